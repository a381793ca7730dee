"""confluent-kafka (librdkafka) for the conformance cases: JSON lines with orders enter, JSON lines with answers leave."""

import json
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

SERVERS = sys.argv[1]
COMMON = {"bootstrap.servers": SERVERS, "client.id": "conformance"}
admin = AdminClient(COMMON)


def wait(futures):
    return [future.result(30) for future in futures.values()]


def create_topic(name, partitions, configs=None):
    wait(admin.create_topics([NewTopic(name, partitions, 1, config=configs or {})]))


def delete_topic(name):
    wait(admin.delete_topics([name]))


def topics():
    return list(admin.list_topics(timeout=10).topics)


def add_partitions(topic, total):
    wait(admin.create_partitions([NewPartitions(topic, total)]))


def partition_count(topic):
    found = admin.list_topics(topic, timeout=10).topics[topic]
    return 0 if found.error else len(found.partitions)


def config(topic, name):
    [entries] = wait(admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))
    return entries[name].value


def set_config(topic, name, value):
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    wait(admin.incremental_alter_configs([resource]))


def bytes_of(text):
    return None if text is None else text.encode("utf-8")


def text_of(content):
    return None if content is None else content.decode("utf-8")


def send(producer, topic, records):
    failures = []

    def delivered(error, _message):
        if error is not None:
            failures.append(error)

    for record in records:
        options = {}
        if record.get("partition") is not None:
            options["partition"] = record["partition"]
        if record.get("timestampMs") is not None:
            options["timestamp"] = record["timestampMs"]
        if record.get("headers") is not None:
            options["headers"] = [(name, bytes_of(value)) for name, value in record["headers"].items()]
        producer.produce(
            topic, key=bytes_of(record.get("key")), value=bytes_of(record["value"]), on_delivery=delivered, **options
        )
    producer.flush(30)
    if failures:
        raise KafkaException(failures[0])


def produce(topic, records, options=None):
    options = options or {}
    producer = Producer(
        {
            **COMMON,
            "acks": options.get("acks", -1),
            "compression.type": options.get("compression", "none"),
            "enable.idempotence": options.get("idempotent", False),
            "linger.ms": 20,
        }
    )
    send(producer, topic, records)


def transact(transactional_id, topic, records, outcome):
    producer = Producer({**COMMON, "transactional.id": transactional_id})
    producer.init_transactions(30)
    producer.begin_transaction()
    send(producer, topic, records)
    if outcome == "commit":
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


def fenced(transactional_id, topic, records):
    first, second = [Producer({**COMMON, "transactional.id": transactional_id}) for _ in range(2)]
    first.init_transactions(30)
    first.begin_transaction()
    send(first, topic, records)
    second.init_transactions(30)
    second.begin_transaction()
    send(second, topic, records)
    second.commit_transaction(30)
    try:
        first.commit_transaction(30)
        return "none"
    except KafkaException as error:
        return error.args[0].name()


left = {}


def leave_open(transactional_id, topic, records, timeout_ms):
    producer = Producer(
        {**COMMON, "transactional.id": transactional_id, "transaction.timeout.ms": timeout_ms, "message.timeout.ms": 500}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    send(producer, topic, records)
    left[transactional_id] = producer


def commit_left(transactional_id):
    try:
        left.pop(transactional_id).commit_transaction(30)
        return "none"
    except KafkaException as error:
        return error.args[0].name()


def alter_offset(group, topic, partition, offset):
    wait(admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition, offset)])]))


def member(options, instance_id=None):
    strategy = {"reset": options.get("reset", "earliest")}
    settings = {
        **COMMON,
        "group.id": options["group"],
        "enable.auto.commit": False,
        "auto.offset.reset": {"none": "error"}.get(strategy["reset"], strategy["reset"]),
        "isolation.level": "read_committed" if options.get("committedOnly") else "read_uncommitted",
        "session.timeout.ms": 10000,
        "heartbeat.interval.ms": 200,
        "fetch.wait.max.ms": 100,
    }
    if options.get("assignor"):
        settings["partition.assignment.strategy"] = options["assignor"]
    if instance_id or options.get("instanceId"):
        settings["group.instance.id"] = instance_id or options["instanceId"]
    return Consumer(settings)


def consume(topic, options):
    consumer = member(options)
    seen = []
    try:
        consumer.subscribe([topic])
        while len(seen) < options["count"]:
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error() is not None:
                raise KafkaException(message.error())
            seen.append(
                {
                    "partition": message.partition(),
                    "offset": message.offset(),
                    "key": text_of(message.key()),
                    "value": text_of(message.value()),
                    "headers": {name: text_of(value) for name, value in message.headers() or []},
                    "timestampMs": message.timestamp()[1],
                }
            )
        following = {}
        for record in seen:
            following[record["partition"]] = max(following.get(record["partition"], 0), record["offset"] + 1)
        offsets = [TopicPartition(topic, partition, offset) for partition, offset in following.items()]
        consumer.commit(offsets=offsets, asynchronous=False)
    finally:
        consumer.close()
    return sorted(seen, key=lambda record: (record["partition"], record["offset"]))


def share(topic, partitions, options):
    instance = options.get("instanceId")
    members = [member(options, instance and f"{instance}-{index}") for index in range(2)]
    try:
        for one in members:
            one.subscribe([topic])
        while True:
            for one in members:
                one.poll(0.05)
            counts = [len(one.assignment()) for one in members]
            if all(counts) and sum(counts) == partitions:
                return counts
    finally:
        for one in members:
            one.close()


def committed(group, topic):
    [found] = wait(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    return {one.partition: one.offset for one in found.topic_partitions if one.topic == topic and one.offset >= 0}


def delete_records(topic, partition, before):
    wait(admin.delete_records([TopicPartition(topic, partition, before)]))


def groups():
    return [one.group_id for one in admin.list_consumer_groups().result(30).valid]


def delete_group(group):
    wait(admin.delete_consumer_groups([group]))


OPERATIONS = {
    "createTopic": create_topic,
    "deleteTopic": delete_topic,
    "topics": topics,
    "addPartitions": add_partitions,
    "partitionCount": partition_count,
    "config": config,
    "setConfig": set_config,
    "produce": produce,
    "transact": transact,
    "fenced": fenced,
    "leaveOpen": leave_open,
    "commitLeft": commit_left,
    "alterOffset": alter_offset,
    "consume": consume,
    "share": share,
    "committed": committed,
    "deleteRecords": delete_records,
    "groups": groups,
    "deleteGroup": delete_group,
}

for line in sys.stdin:
    order = json.loads(line)
    try:
        answer = {"id": order["id"], "result": OPERATIONS[order["op"]](*order["args"])}
    except Exception as error:  # Whatever the client refuses is an answer.
        answer = {"id": order["id"], "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
