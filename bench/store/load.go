// SPDX-License-Identifier: MIT

// Writes to or reads from a key-value store as fast as it replies, and reports rate and latencies.
// It is one program for both stores, so that the client's own cost is comparable. A back end only
// implements how a number of clients put and get values and return latencies.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"sync/atomic"
	"syscall"
	"time"
)

type options struct {
	store       string
	address     string
	clients     int
	outstanding int // writes in flight per client
	connections int // etcd only: shared by all clients
	keys        int
	read        bool // get values; all keys are put before
	warmup      time.Duration
	duration    time.Duration
	value       []byte
}

// The state shared by all clients.
type run struct {
	options
	begin, end time.Time // replies between these times are counted
	keyNumber  uint64
}

func (r *run) nextKey() string {
	n := atomic.AddUint64(&r.keyNumber, 1)
	return fmt.Sprintf("key:%08d", (n*2654435761)%uint64(r.keys))
}

// The latencies of one stream of writes, in nanoseconds.
type tally struct {
	latencies []int64
}

// Count an operation; false after the end of the measurement.
func (t *tally) count(r *run, sent, answered time.Time) bool {
	if answered.After(r.end) {
		return false
	}
	if answered.After(r.begin) {
		t.latencies = append(t.latencies, int64(answered.Sub(sent)))
	}
	return true
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}

func quantile(sorted []int64, q float64) float64 {
	return float64(sorted[int(q*float64(len(sorted)-1))]) / 1e6
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		fail(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// Print when the measurement begins and ends: the caller then reads the servers' CPU times.
func announce(r *run, cpu *[2]float64) {
	time.Sleep(time.Until(r.begin))
	cpu[0] = cpuSeconds()
	fmt.Println("begin")
	time.Sleep(time.Until(r.end))
	cpu[1] = cpuSeconds()
	fmt.Println("end")
}

func main() {
	var o options
	flag.StringVar(&o.store, "store", "", "etcd or resp")
	flag.StringVar(&o.address, "address", "", "host:port of the leader")
	flag.IntVar(&o.clients, "clients", 1, "")
	flag.IntVar(&o.outstanding, "outstanding", 1, "writes in flight per client")
	flag.IntVar(&o.connections, "connections", 1, "total number of connections, for etcd")
	flag.IntVar(&o.keys, "keys", 100000, "number of different keys")
	flag.BoolVar(&o.read, "read", false, "read instead of writing")
	size := flag.Int("value", 64, "size of a value in bytes")
	flag.DurationVar(&o.warmup, "warmup", time.Second, "")
	flag.DurationVar(&o.duration, "duration", 5*time.Second, "")
	flag.Parse()
	o.value = make([]byte, *size)
	for i := range o.value {
		o.value[i] = 'a' + byte(i%26)
	}

	type back struct {
		start func(*run) func() []*tally
		fill  func(*run)
	}
	backs := map[string]back{"etcd": {startEtcd, fillEtcd}, "resp": {startResp, fillResp}}
	store, known := backs[o.store]
	if !known {
		fail(fmt.Errorf("unknown store %q", o.store))
	}
	r := &run{options: o}
	if o.read {
		store.fill(r)
	}
	r.begin = time.Now().Add(o.warmup)
	r.end = r.begin.Add(o.duration)
	wait := store.start(r)
	var cpu [2]float64
	announce(r, &cpu)

	var all []int64
	for _, t := range wait() {
		all = append(all, t.latencies...)
	}
	if len(all) == 0 {
		fail(fmt.Errorf("nothing was answered during the measurement"))
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	err := json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"operations": float64(len(all)),
		"per_second": float64(len(all)) / o.duration.Seconds(),
		"p50_ms":     quantile(all, 0.50),
		"p99_ms":     quantile(all, 0.99),
		"max_ms":     quantile(all, 1),
		"client_cpu": cpu[1] - cpu[0],
	})
	if err != nil {
		fail(err)
	}
}
