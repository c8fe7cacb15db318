/**
 * The ports through which the host loop of a simulated process reaches its network, cloud, disk and clock.
 */
import { askArbiter, TIMED_OUT } from '@failtome/ports';
import type { ArbiterResult, Ports, PublishResult } from '@failtome/protocol';
import type { Environment, Life, ProcessSpec } from './environment.ts';
import type { Exchange } from './exchange.ts';
import { createObservationPorts } from './observation-ports.ts';
import { WEBHOOK } from './settings.ts';
import { createTimer } from './timer.ts';

/** What belongs to the process itself. */
interface ProcessParts {
  readonly exchange: Exchange;
  /** The timer fires. */
  readonly wake: (wake: () => void) => void;
  /** The host has stopped in good order. */
  readonly stopped: () => void;
}

/** All ports of one process; each waits while it is paused. */
export function createProcessPorts(
  environment: Environment,
  spec: ProcessSpec,
  life: Life,
  { exchange, wake, stopped }: ProcessParts,
): Ports {
  const { trace, emit, outside, recorderOf } = environment;
  const { clock, disk, driver, machine } = spec;
  const self = spec.config.node.id;
  return {
    clock,
    timer: createTimer(environment, spec, wake),
    transport: {
      send: (effect) => life.leave(() => exchange.send(effect)),
      reply: (effect) => life.leave(() => exchange.reply(effect)),
    },
    ...createObservationPorts(environment, spec, life),
    driver: createDriverPort(environment, spec, life),
    ...createArbiterPort(environment, spec, life),
    notifier: {
      publish: (effect) =>
        life.leave(() => {
          emit({ kind: 'publish', by: life.view(), effect });
          const { publishId, receiver, timeoutMs } = effect;
          const answered = (result: PublishResult): void =>
            life.enter(() => life.feed({ kind: 'published', publishId, result }));
          if (receiver === WEBHOOK.name) outside.tellWebhook(machine, timeoutMs, answered);
          else driver.publish(effect, clock.lasting(timeoutMs), answered);
        }),
    },
    store: {
      persist: ({ writeId, text }) =>
        life.leave(() =>
          disk.write(writeId, text, (written, code) =>
            life.enter(() =>
              life.feed(
                code === null
                  ? { kind: 'persisted', writeId: written }
                  : { kind: 'persist-failed', writeId: written, code },
              ),
            ),
          ),
        ),
    },
    observer: {
      observe(facts, _state, now) {
        for (const fact of facts) trace.log(self, fact.kind, fact);
        emit({ kind: 'facts', by: life.view(), facts, now });
      },
    },
    stopped: () => life.leave(stopped),
    ...(recorderOf === null ? {} : { recorder: recorderOf(self, spec.run) }),
  };
}

/** Where the cluster has a store. */
function createArbiterPort(
  { store, trace, emit }: Environment,
  { config, clock }: ProcessSpec,
  life: Life,
): Pick<Ports, 'arbiter'> {
  if (store === null) return {};
  const self = config.node.id;
  return {
    arbiter: {
      ask: (effect) =>
        life.leave(() => {
          const { askId, address, operation } = effect;
          const reached = store.for(self, clock.lasting, (text) =>
            emit({ kind: 'swapped', by: life.view(), address, text }),
          );
          trace.log(self, 'arbiter-asked', operation);
          askArbiter(reached, config.cluster, effect, (result: ArbiterResult) =>
            life.enter(() => {
              trace.log(self, 'arbiter-answered', result);
              life.feed({ kind: 'arbiter', askId, address, result });
            }),
          );
        }),
    },
  };
}

function createDriverPort({ trace, emit }: Environment, spec: ProcessSpec, life: Life): Ports['driver'] {
  const { clock, driver } = spec;
  const self = spec.config.node.id;
  return {
    drive(effect) {
      const { callId, purpose, timeoutMs } = effect;
      const sendBy = clock.now().at + timeoutMs;
      life.leave(() => {
        // The agent's time-out runs from here, and what it ends is not sent any more.
        if (clock.now().at >= sendBy) {
          const result = { answer: TIMED_OUT, requests: [] };
          life.enter(() => life.feed({ kind: 'driven', callId, purpose, result }));
          return;
        }
        trace.log(self, 'drive', effect.operation);
        emit({ kind: 'drive', by: life.view(), effect });
        driver.drive(effect, clock.lasting(timeoutMs), life.enter, (result) => {
          trace.log(self, 'driven', result.answer);
          emit({ kind: 'driven', by: life.view(), effect, result });
          life.feed({ kind: 'driven', callId, purpose, result });
        });
      });
    },
  };
}
