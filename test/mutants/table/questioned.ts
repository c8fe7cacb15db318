/** Mutants that nothing shows by themselves, and why their rules stay. */
import type { Question } from '../mutant.ts';

export const QUESTIONED: readonly Question[] = [
  {
    id: 'displace-read',
    because: 'what the read shows is kept, and the gate displace is closed before the next call',
    together: ['both-displace-checks'],
  },
  {
    id: 'take-own',
    because: 'what the read shows is taken in, and the gate not-holder is closed before the next call',
    together: ['both-holder-checks'],
  },
  {
    id: 'release-remembered',
    because:
      'a read that shows another association than the known one is a change of hands, after which the failure is not current any more and the attempt ends',
    together: ['release-unread'],
  },
  {
    id: 'hearsay',
    because:
      'each node reads once a minute itself, and views converge then at the latest; the rule keeps them from taking an echo for news until then',
    together: ['holder-unread'],
  },
  {
    id: 'holder-older',
    because:
      'the next read or word corrects it; the rule keeps the view from going back and forth until then',
    together: ['holder-unread'],
  },
  {
    id: 'released-unwritten',
    because:
      'a restart that finds an intent and nobody at the address takes it for released; the note only says so for sure',
    together: ['release-forgotten'],
  },
  {
    id: 'duty-unread',
    because: 'a claim takes nothing from anybody; the read before it only saves a call that would be refused',
    together: [],
  },
  {
    id: 'release-unheard',
    because: 'the candidate gives a lease of an old ballot back as soon as it hears of it',
    together: [],
  },
  {
    id: 'answer-final',
    because:
      'a voter that has refused is not asked again within the ballot; an answer that it gives all the same lends for real',
    together: [],
  },
  {
    id: 'ballot-unending',
    because:
      'every voter answers within seconds, or falls silent and is out of the count; the bound is for what nobody has thought of',
    together: [],
  },
  {
    id: 'release-early',
    because:
      'a take that lands late takes nothing from anybody on EC2, and with OpsWorks nothing here can close that window; keeping the leases until then only makes a lost race rarer',
    together: [],
  },
  {
    id: 'stale-untold',
    because: 'the next heartbeat answers the challenge as well, half a second later',
    together: [],
  },
  {
    id: 'host-keeps-failed',
    because:
      'what was kept goes out when a later write is done, and that write holds what it waited for; the voter lends nothing meanwhile, because its disk fails',
    together: ['host-holds-nothing', 'host-releases-all'],
  },
  {
    id: 'host-reenters',
    because: "no port of the agent or of the simulator answers from within a call; the host's own tests do",
    together: [],
  },
  {
    id: 'answer-no-vote',
    because:
      'a candidate asks no member, and one that takes a member for a voter has another electorate: the row only gives the truer reason',
    together: ['tally-members', 'answer-electorate'],
  },
  {
    id: 'answer-unknown-address',
    because:
      'a voter that says nothing lends nothing; the row tells the reason at once instead of after the ballot has run out',
    together: [],
  },
  {
    id: 'answer-stopping',
    because:
      'a lease that is lent while shutting down is as durable as any; the row tells the candidate sooner, and a voter that lent instead would do no harm',
    together: [],
  },
  {
    id: 'answer-unfit-candidate',
    because:
      'a candidate that is unfit asks nobody (gate local); a voter that takes its word for it is the second line',
    together: ['both-unfit-checks'],
  },
  {
    id: 'answer-paused',
    because:
      "the word of the pause travels with the voter's answer and is taken in before it, so that the candidate gives the ballot up",
    together: ['both-pause-checks'],
  },
  {
    id: 'answer-up-unlooked',
    because:
      'a refusal by an older probe is as safe; looking again first only saves the time until the next ballot',
    together: [],
  },
  {
    id: 'tally-expired',
    because: 'a mandate that rests on a lease that has run out ends at once, and the gate lease is closed',
    together: ['no-lease-ends'],
  },
  {
    id: 'mandate-unending',
    because: 'the gate lease is closed long before the mandate ends, and gives the ballot up',
    together: ['no-lease-ends'],
  },
  {
    id: 'stall-mandate',
    because:
      'without a verdict the gates before the mandate are closed, and what has begun is given up there',
    together: ['stall-keeps-all'],
  },
  {
    id: 'cluster',
    because:
      'each cluster has a key of its own, and its sessions are not known elsewhere; the simulator has no second cluster to send from',
    together: [],
  },
  {
    id: 'answer-unbound',
    because:
      'the host hands in only answers whose MAC is bound to their request (duty 6); this is the second line',
    together: [],
  },
  {
    id: 'answer-move-did-not-help',
    because:
      'the candidate asks the same rule, and knows what the holder that it hears knows; the voters are the second line, for one that has lost its disk and has not heard of it yet',
    together: ['both-vain-checks'],
  },
  {
    id: 'waking-alone',
    because:
      'an idle node wakes more often for the same checks, which costs work and changes nothing of what it sees',
    together: [],
  },
];
