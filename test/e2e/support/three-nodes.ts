/** Clusters of three: two candidates and a witness, and what they need on a busy machine. */

/** Three agents on a busy machine take their time to agree. */
export const patientGossip = { interval: '300ms', timeout: '700ms', dead: '3s' };

/** The same, and the leases last that long. */
export const patientSettings = { gossip: patientGossip, agreement: { lease: '8s' } };

/** Their ids; saturn holds the address. */
export const IDS = ['saturn', 'neptune', 'pluto'] as const;
export type Id = (typeof IDS)[number];

export const nodes = [{ id: 'saturn' }, { id: 'neptune' }, { id: 'pluto', role: 'witness' }] as const;
