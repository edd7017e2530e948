// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// One connection and one goroutine per client. A client sends a new write for each reply, so the
// number of writes in flight is constant. Writes are flushed when no more replies are buffered.
type respClient struct {
	run   *run
	out   *bufio.Writer
	in    *bufio.Reader
	sent  []time.Time // a ring: when the writes in flight were sent
	head  int
	bulk  string // the head of a reply with a value, "" if writing
	tally tally
}

func (c *respClient) request() {
	if c.run.read {
		key := c.run.nextKey()
		c.out.WriteString("*2\r\n$3\r\nGET\r\n$")
		c.out.WriteString(strconv.Itoa(len(key)))
		c.out.WriteString("\r\n")
		c.out.WriteString(key)
		c.out.WriteString("\r\n")
	} else {
		c.put()
	}
}

// Read a reply: OK, or the value.
func (c *respClient) reply() {
	answer, err := c.in.ReadSlice('\n')
	if err != nil {
		fail(err)
	}
	if c.bulk == "" && string(answer) == "+OK\r\n" {
		return
	}
	if c.bulk == "" || string(answer) != c.bulk {
		fail(fmt.Errorf("unexpected reply %q", answer))
	}
	if _, err = c.in.Discard(len(c.run.value) + 2); err != nil {
		fail(err)
	}
}

func (c *respClient) put() {
	key := c.run.nextKey()
	c.out.WriteString("*3\r\n$3\r\nSET\r\n$")
	c.out.WriteString(strconv.Itoa(len(key)))
	c.out.WriteString("\r\n")
	c.out.WriteString(key)
	c.out.WriteString("\r\n$")
	c.out.WriteString(strconv.Itoa(len(c.run.value)))
	c.out.WriteString("\r\n")
	c.out.Write(c.run.value)
	c.out.WriteString("\r\n")
}

func (c *respClient) flush() {
	if err := c.out.Flush(); err != nil {
		fail(err)
	}
}

func (c *respClient) loop() {
	for i := range c.sent {
		c.sent[i] = time.Now()
		c.request()
	}
	c.flush()
	for {
		c.reply()
		now := time.Now()
		if !c.tally.count(c.run, c.sent[c.head], now) {
			return
		}
		c.sent[c.head] = now
		c.head = (c.head + 1) % len(c.sent)
		c.request()
		if c.in.Buffered() == 0 {
			c.flush()
		}
	}
}

func connect(r *run) *respClient {
	connection, err := net.Dial("tcp", r.address) // Go sets TCP_NODELAY
	if err != nil {
		fail(err)
	}
	return &respClient{
		run:  r,
		out:  bufio.NewWriterSize(connection, 32*1024),
		in:   bufio.NewReaderSize(connection, 4*1024),
		sent: make([]time.Time, r.outstanding),
	}
}

// Put every key once: nextKey() returns each of them.
func fillResp(r *run) {
	const batch = 256
	c := connect(r)
	for done := 0; done < r.keys; done += batch {
		for i := 0; i < batch; i++ {
			c.put()
		}
		c.flush()
		for i := 0; i < batch; i++ {
			c.reply()
		}
	}
}

func startResp(r *run) func() []*tally {
	tallies := make([]*tally, r.clients)
	var group sync.WaitGroup
	for i := range tallies {
		c := connect(r)
		if r.read {
			c.bulk = fmt.Sprintf("$%d\r\n", len(r.value))
		}
		tallies[i] = &c.tally
		group.Add(1)
		go func() {
			defer group.Done()
			c.loop()
		}()
	}
	return func() []*tally {
		group.Wait()
		return tallies
	}
}
