// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
)

// One goroutine for each write in flight, as is usual with this client. The connections are made
// beforehand and shared evenly.
func startEtcd(r *run) func() []*tally {
	value := string(r.value)
	connections := make([]*clientv3.Client, r.connections)
	for i := range connections {
		c, err := clientv3.New(clientv3.Config{
			Endpoints: []string{r.address}, DialTimeout: 5 * time.Second})
		if err != nil {
			fail(err)
		}
		connections[i] = c
	}
	tallies := make([]*tally, r.clients*r.outstanding)
	var group sync.WaitGroup
	for i := range tallies {
		t := &tally{}
		tallies[i] = t
		client := connections[i/r.outstanding%r.connections]
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				sent := time.Now()
				if _, err := client.Put(context.Background(), r.nextKey(), value); err != nil {
					fail(err)
				}
				if !t.count(r, sent, time.Now()) {
					return
				}
			}
		}()
	}
	return func() []*tally {
		group.Wait()
		return tallies
	}
}
