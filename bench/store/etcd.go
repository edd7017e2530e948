// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
)

func dial(r *run) *clientv3.Client {
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{r.address}, DialTimeout: 5 * time.Second})
	if err != nil {
		fail(err)
	}
	return c
}

// Put every key once: nextKey() returns each of them.
func fillEtcd(r *run) {
	const writers = 64
	client := dial(r)
	value := string(r.value)
	var group sync.WaitGroup
	for i := 0; i < writers; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for done := 0; done < r.keys; done += writers {
				if _, err := client.Put(context.Background(), r.nextKey(), value); err != nil {
					fail(err)
				}
			}
		}()
	}
	group.Wait()
}

// One goroutine for each write in flight, as is usual with this client. The connections are made
// beforehand and shared evenly.
func startEtcd(r *run) func() []*tally {
	value := string(r.value)
	connections := make([]*clientv3.Client, r.connections)
	for i := range connections {
		connections[i] = dial(r)
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
				var err error
				if r.read { // linearizable, unless one asks for something else
					var found *clientv3.GetResponse
					found, err = client.Get(context.Background(), r.nextKey())
					if err == nil && len(found.Kvs) != 1 {
						err = fmt.Errorf("a key is missing")
					}
				} else {
					_, err = client.Put(context.Background(), r.nextKey(), value)
				}
				if err != nil {
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
