module libraft.example/raftcore

go 1.19
