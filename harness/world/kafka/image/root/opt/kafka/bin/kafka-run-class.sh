#!/usr/bin/env bash
# Runs one Java class of Kafka: takes the class name and its arguments, replaces itself with the JVM.
set -euo pipefail

# Sorted, because a class data archive is valid for one order of the class path only.
classpath=$(printf ':%s' /opt/kafka/libs/*.jar)
classpath=${classpath:1}

options=()
if [[ ${KAFKA_PROCESS:-tool} == broker ]]; then
  logging=server
  archive=/opt/kafka/kafka.jsa
  # Left unquoted on purpose: each of these variables holds a list of options.
  # shellcheck disable=SC2206
  options+=(
    ${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}
    ${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -Djava.awt.headless=true}
  )
else
  logging=tools
  archive=/opt/kafka/tools.jsa
  # A tool lives for a second or two: the quick compiler and the simplest collector suit it best.
  options+=(-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
fi
if [[ -n ${KAFKA_ARCHIVE_TO:-} ]]; then
  options+=("-XX:ArchiveClassesAtExit=$KAFKA_ARCHIVE_TO")
elif [[ -e $archive ]]; then
  options+=("-XX:SharedArchiveFile=$archive" -Xlog:cds=off -Xlog:cds+dynamic=off)
fi
# Kafka 3.x logs through log4j 1 (reload4j), Kafka 4.x through log4j 2; the image holds what its version reads.
if [[ -e /opt/kafka/config/$logging-log4j2.properties ]]; then
  options+=("-Dlog4j2.configurationFile=/opt/kafka/config/$logging-log4j2.properties" -Dlog4j2.disableJmx=true)
else
  options+=(
    "-Dlog4j.configuration=file:/opt/kafka/config/$logging-log4j.properties"
    "-Dkafka.root.level=${KAFKA_LOG4J_ROOT_LOGLEVEL:-INFO}"
  )
fi
# shellcheck disable=SC2206
options+=(-Dkafka.logs.dir=/tmp ${KAFKA_OPTS:-})

exec java "${options[@]}" -cp "$classpath" "$@"
