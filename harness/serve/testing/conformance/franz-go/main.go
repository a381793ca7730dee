// franz-go for the conformance cases: JSON lines with orders enter, JSON lines with answers leave.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type order struct {
	ID   int               `json:"id"`
	Op   string            `json:"op"`
	Args []json.RawMessage `json:"args"`
}

type written struct {
	Partition   int32             `json:"partition"`
	Key         *string           `json:"key"`
	Value       *string           `json:"value"`
	Headers     map[string]string `json:"headers"`
	TimestampMs *int64            `json:"timestampMs"`
}

type read struct {
	Partition   int32             `json:"partition"`
	Offset      int64             `json:"offset"`
	Key         *string           `json:"key"`
	Value       *string           `json:"value"`
	Headers     map[string]string `json:"headers"`
	TimestampMs int64             `json:"timestampMs"`
}

type produceOptions struct {
	Acks        *int   `json:"acks"`
	Compression string `json:"compression"`
	Idempotent  bool   `json:"idempotent"`
}

type consumeOptions struct {
	Group         string `json:"group"`
	Count         int    `json:"count"`
	Reset         string `json:"reset"`
	CommittedOnly bool   `json:"committedOnly"`
	Assignor      string `json:"assignor"`
	InstanceID    string `json:"instanceId"`
}

var (
	servers []string
	admin   *kadm.Client
	left    = map[string]*kgo.Client{}
)

func common(more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{kgo.SeedBrokers(servers...), kgo.ClientID("conformance")}, more...)
}

func main() {
	servers = strings.Split(os.Args[1], ",")
	client, err := kgo.NewClient(common()...)
	if err != nil {
		panic(err)
	}
	admin = kadm.NewClient(client)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var one order
		if err := json.Unmarshal(in.Bytes(), &one); err != nil {
			panic(err)
		}
		result, err := perform(one)
		if err != nil {
			_ = out.Encode(map[string]any{"id": one.ID, "error": err.Error()})
		} else {
			_ = out.Encode(map[string]any{"id": one.ID, "result": result})
		}
	}
}

func argument[T any](one order, index int) T {
	var value T
	if index < len(one.Args) {
		if err := json.Unmarshal(one.Args[index], &value); err != nil {
			panic(err)
		}
	}
	return value
}

func perform(one order) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	first := argument[string](one, 0)
	switch one.Op {
	case "createTopic":
		configs := map[string]*string{}
		for name, value := range argument[map[string]string](one, 2) {
			configs[name] = &value
		}
		_, err := admin.CreateTopic(ctx, argument[int32](one, 1), 1, configs, first)
		return nil, err
	case "deleteTopic":
		_, err := admin.DeleteTopic(ctx, first)
		return nil, err
	case "topics":
		found, err := admin.ListTopics(ctx)
		return found.Names(), err
	case "addPartitions":
		answers, err := admin.UpdatePartitions(ctx, argument[int](one, 1), first)
		if err == nil {
			err = answers.Error()
		}
		return nil, err
	case "partitionCount":
		found, err := admin.ListTopics(ctx, first)
		return len(found[first].Partitions), err
	case "config":
		found, err := admin.DescribeTopicConfigs(ctx, first)
		if err != nil {
			return nil, err
		}
		for _, config := range found[0].Configs {
			if config.Key == argument[string](one, 1) {
				return config.Value, nil
			}
		}
		return nil, nil
	case "setConfig":
		value := argument[string](one, 2)
		changes := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: argument[string](one, 1), Value: &value}}
		answers, err := admin.AlterTopicConfigs(ctx, changes, first)
		if err == nil {
			err = answers[0].Err
		}
		return nil, err
	case "produce":
		return nil, produce(ctx, first, argument[[]written](one, 1), argument[produceOptions](one, 2))
	case "transact":
		outcome := kgo.TransactionEndTry(argument[string](one, 3) == "commit")
		return nil, transact(ctx, first, argument[string](one, 1), argument[[]written](one, 2), outcome)
	case "fenced":
		return fenced(ctx, first, argument[string](one, 1), argument[[]written](one, 2))
	case "leaveOpen":
		timeout := time.Duration(argument[int](one, 3)) * time.Millisecond
		client, err := begun(ctx, first, argument[string](one, 1), argument[[]written](one, 2), timeout)
		left[first] = client
		return nil, err
	case "commitLeft":
		defer left[first].Close()
		return told(left[first].EndTransaction(ctx, kgo.TryCommit)), nil
	case "consume":
		return consume(first, argument[consumeOptions](one, 1))
	case "share":
		return share(first, argument[int](one, 1), argument[consumeOptions](one, 2))
	case "committed":
		found, err := admin.FetchOffsets(ctx, first)
		offsets := map[int32]int64{}
		for _, offset := range found.Offsets().Sorted() {
			if offset.Topic == argument[string](one, 1) && offset.At >= 0 {
				offsets[offset.Partition] = offset.At
			}
		}
		return offsets, err
	case "alterOffset":
		offsets := kadm.Offsets{}
		offsets.AddOffset(argument[string](one, 1), argument[int32](one, 2), argument[int64](one, 3), -1)
		return nil, admin.CommitAllOffsets(ctx, first, offsets)
	case "deleteOffset":
		set := kadm.TopicsSet{}
		set.Add(argument[string](one, 1), argument[int32](one, 2))
		answers, err := admin.DeleteOffsets(ctx, first, set)
		if err == nil {
			err = answers.Error()
		}
		return nil, err
	case "deleteRecords":
		offsets := kadm.Offsets{}
		offsets.AddOffset(first, argument[int32](one, 1), argument[int64](one, 2), -1)
		answers, err := admin.DeleteRecords(ctx, offsets)
		if err == nil {
			err = answers.Error()
		}
		return nil, err
	case "groups":
		found, err := admin.ListGroups(ctx)
		return found.Groups(), err
	case "deleteGroup":
		_, err := admin.DeleteGroup(ctx, first)
		return nil, err
	}
	return nil, fmt.Errorf("unknown order %s", one.Op)
}

func recordsOf(topic string, given []written) []*kgo.Record {
	records := []*kgo.Record{}
	for _, one := range given {
		record := &kgo.Record{Topic: topic, Partition: one.Partition, Key: bytesOf(one.Key), Value: bytesOf(one.Value)}
		if one.TimestampMs != nil {
			record.Timestamp = time.UnixMilli(*one.TimestampMs)
		}
		for name, value := range one.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
		records = append(records, record)
	}
	return records
}

func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	return append([]byte{}, *text...)
}

func textOf(content []byte) *string {
	if content == nil {
		return nil
	}
	text := string(content)
	return &text
}

var codecs = map[string]kgo.CompressionCodec{
	"":       kgo.NoCompression(),
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func producer(more ...kgo.Opt) (*kgo.Client, error) {
	// Records of one call in one batch.
	with := []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(20 * time.Millisecond)}
	return kgo.NewClient(common(append(with, more...)...)...)
}

func produce(ctx context.Context, topic string, given []written, options produceOptions) error {
	more := []kgo.Opt{kgo.ProducerBatchCompression(codecs[options.Compression])}
	acks := kgo.AllISRAcks()
	if options.Acks != nil && *options.Acks == 0 {
		acks = kgo.NoAck()
	} else if options.Acks != nil && *options.Acks == 1 {
		acks = kgo.LeaderAck()
	}
	more = append(more, kgo.RequiredAcks(acks))
	if !options.Idempotent {
		more = append(more, kgo.DisableIdempotentWrite())
	}
	client, err := producer(more...)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(ctx, recordsOf(topic, given)...).FirstErr()
}

func begun(ctx context.Context, id, topic string, given []written, timeout time.Duration) (*kgo.Client, error) {
	client, err := producer(kgo.TransactionalID(id), kgo.TransactionTimeout(timeout))
	if err != nil {
		return nil, err
	}
	if err := client.BeginTransaction(); err != nil {
		client.Close()
		return nil, err
	}
	if err := client.ProduceSync(ctx, recordsOf(topic, given)...).FirstErr(); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

func transact(ctx context.Context, id, topic string, given []written, outcome kgo.TransactionEndTry) error {
	client, err := begun(ctx, id, topic, given, time.Minute)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.EndTransaction(ctx, outcome)
}

func told(err error) string {
	if err == nil {
		return "none"
	}
	var known *kerr.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

func fenced(ctx context.Context, id, topic string, given []written) (string, error) {
	one, err := begun(ctx, id, topic, given, time.Minute)
	if err != nil {
		return "", err
	}
	defer one.Close()
	if err := transact(ctx, id, topic, given, kgo.TryCommit); err != nil {
		return "", err
	}
	return told(one.EndTransaction(ctx, kgo.TryCommit)), nil
}

func member(topic string, options consumeOptions, instance string, more ...kgo.Opt) (*kgo.Client, error) {
	with := []kgo.Opt{
		kgo.ConsumerGroup(options.Group),
		kgo.ConsumeTopics(topic),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(10 * time.Second),
		kgo.HeartbeatInterval(200 * time.Millisecond),
		kgo.FetchMaxWait(100 * time.Millisecond),
	}
	switch options.Reset {
	case "latest":
		with = append(with, kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	case "none":
		with = append(with, kgo.ConsumeResetOffset(kgo.NewOffset().AtCommitted()))
	default:
		with = append(with, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	}
	if options.CommittedOnly {
		with = append(with, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	balancers := map[string]kgo.GroupBalancer{
		"range":              kgo.RangeBalancer(),
		"roundrobin":         kgo.RoundRobinBalancer(),
		"sticky":             kgo.StickyBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer(),
	}
	if balancer, is := balancers[options.Assignor]; is {
		with = append(with, kgo.Balancers(balancer))
	}
	if instance != "" {
		with = append(with, kgo.InstanceID(instance))
	}
	return kgo.NewClient(common(append(with, more...)...)...)
}

func consume(topic string, options consumeOptions) (any, error) {
	client, err := member(topic, options, options.InstanceID)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	seen := []read{}
	taken := []*kgo.Record{}
	for len(seen) < options.Count {
		fetched := client.PollFetches(context.Background())
		for _, failure := range fetched.Errors() {
			return nil, failure.Err
		}
		for _, record := range fetched.Records() {
			if len(seen) == options.Count {
				break
			}
			headers := map[string]string{}
			for _, header := range record.Headers {
				headers[header.Key] = string(header.Value)
			}
			taken = append(taken, record)
			seen = append(seen, read{record.Partition, record.Offset, textOf(record.Key), textOf(record.Value), headers, record.Timestamp.UnixMilli()})
		}
	}
	if err := client.CommitRecords(context.Background(), taken...); err != nil {
		return nil, err
	}
	sort.Slice(seen, func(one, other int) bool {
		if seen[one].Partition != seen[other].Partition {
			return seen[one].Partition < seen[other].Partition
		}
		return seen[one].Offset < seen[other].Offset
	})
	return seen, nil
}

type change struct {
	member int
	by     int
}

func share(topic string, partitions int, options consumeOptions) (any, error) {
	changes := make(chan change, 1_000)
	for index := range 2 {
		instance := ""
		if options.InstanceID != "" {
			instance = fmt.Sprintf("%s-%d", options.InstanceID, index)
		}
		gained := func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			changes <- change{index, len(assigned[topic])}
		}
		lost := func(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
			changes <- change{index, -len(revoked[topic])}
		}
		client, err := member(topic, options, instance,
			kgo.OnPartitionsAssigned(gained), kgo.OnPartitionsRevoked(lost), kgo.OnPartitionsLost(lost))
		if err != nil {
			return nil, err
		}
		// The handlers are called while it closes, too.
		defer client.Close()
	}
	counts := [2]int{}
	for one := range changes {
		counts[one.member] += one.by
		if counts[0] > 0 && counts[1] > 0 && counts[0]+counts[1] == partitions {
			break
		}
	}
	return counts, nil
}
