/**
 * Entry of a child process that runs kafkajs: `protocol.ts` says what enters and leaves. Arguments of the form
 * `--kafka-trial-...=...` are ignored; they are there for `doctor` to find processes that a killed harness left.
 */
import { keepStandardOutputForEvents, runClientProcess } from './child-process.ts';
import * as kafkajs from './kafkajs/adapter.ts';

keepStandardOutputForEvents();
runClientProcess(kafkajs);
