import { createHash } from 'node:crypto';
import type { AssumedRole, Caller, InstanceId } from '../model/index.ts';
import type { SigningKey } from './sigv4.ts';

/** An access key that the cloud knows, whose it is, and until when it is good. */
export interface AccessKey extends SigningKey {
  readonly accessKeyId: string;
  readonly caller: Caller;
  /** Wall-clock milliseconds; Infinity for static keys. */
  readonly expiresAtMs: number;
}

/** How long keys from the metadata service are good: EC2's own are for about six hours. */
export const sessionLifetimeMs: number = 6 * 3_600_000;

/** The keys that were handed out, without their secrets, which follow from what is here. */
export interface SavedSessions {
  /** How often each long-lived key has been replaced, by its owner's name. */
  readonly replaced: readonly (readonly [string, number])[];
  readonly drawn: number;
  readonly keys: readonly (Session & { readonly expiresAtMs: number })[];
}

/** Whose a temporary key is. */
interface Session {
  readonly instanceId: InstanceId;
  /** Absent: the instance's own role. */
  readonly role?: AssumedRole;
  readonly number: number;
}

/** Every key that the cloud has handed out. Made-up secrets: they open nothing else. */
export class Credentials {
  readonly #keys = new Map<string, AccessKey>();
  readonly #sessions = new Map<InstanceId, AccessKey>();
  /** How often a caller's long-lived key has been replaced. */
  readonly #replaced = new Map<string, number>();
  readonly #numbers = new Map<string, Session>();
  #drawn = 0;

  find(accessKeyId: string): AccessKey | undefined {
    return this.#keys.get(accessKeyId);
  }

  /** A caller's long-lived key, the same one until it is replaced. */
  staticKey(caller: Caller): AccessKey {
    const name = this.#nameOf(caller);
    const accessKeyId = `AKIA${keyTail(name)}`;
    const known = this.#keys.get(accessKeyId);
    if (known !== undefined) return known;
    const key: AccessKey = {
      accessKeyId,
      secretAccessKey: secretOf(name),
      sessionToken: null,
      caller,
      expiresAtMs: Number.POSITIVE_INFINITY,
    };
    this.#keys.set(accessKeyId, key);
    return key;
  }

  /** Revokes a caller's long-lived key, and gives another. */
  replaceStatic(caller: Caller): AccessKey {
    this.#keys.delete(this.staticKey(caller).accessKeyId);
    const plain = plainNameOf(caller);
    this.#replaced.set(plain, (this.#replaced.get(plain) ?? 0) + 1);
    return this.staticKey(caller);
  }

  #nameOf(caller: Caller): string {
    const plain = plainNameOf(caller);
    const replaced = this.#replaced.get(plain) ?? 0;
    return replaced === 0 ? plain : `${plain}/${replaced}`;
  }

  /** The temporary key of an instance's role, made anew in the last five minutes of the old one. */
  sessionKey(instanceId: InstanceId, nowMs: number): AccessKey {
    const current = this.#sessions.get(instanceId);
    if (current !== undefined && current.expiresAtMs - nowMs > 300_000) return current;
    return this.rotate(instanceId, nowMs + sessionLifetimeMs);
  }

  /** Gives an instance's role a new temporary key, good until the given wall-clock moment; older ones keep theirs. */
  rotate(instanceId: InstanceId, expiresAtMs: number): AccessKey {
    this.#drawn += 1;
    const key = this.#session({ instanceId, number: this.#drawn }, expiresAtMs);
    this.#sessions.set(instanceId, key);
    return key;
  }

  /** A temporary key of a role that the instance has assumed. */
  assumed(
    { instanceId, role }: Extract<Caller, { readonly kind: 'instance' }>,
    expiresAtMs: number,
  ): AccessKey {
    this.#drawn += 1;
    const session = { instanceId, number: this.#drawn };
    return this.#session(role === undefined ? session : { ...session, role }, expiresAtMs);
  }

  /** For `restore` of another. */
  sessions(): SavedSessions {
    const keys = [...this.#numbers].map(([id, session]) => ({
      ...session,
      expiresAtMs: this.#keys.get(id)?.expiresAtMs ?? 0,
    }));
    return { replaced: [...this.#replaced], drawn: this.#drawn, keys };
  }

  /** Takes the temporary keys of another for its own. */
  restore({ replaced, drawn, keys }: SavedSessions): void {
    for (const [name, times] of replaced) this.#replaced.set(name, times);
    this.#drawn = drawn;
    for (const { expiresAtMs, ...session } of keys) {
      const key = this.#session(session, expiresAtMs);
      if (session.role === undefined) this.#sessions.set(session.instanceId, key);
    }
  }

  #session({ instanceId, role, number }: Session, expiresAtMs: number): AccessKey {
    const name = `${instanceId}/session/${number}`;
    const caller = { kind: 'instance', instanceId } as const;
    const key: AccessKey = {
      accessKeyId: `ASIA${keyTail(name)}`,
      secretAccessKey: secretOf(name),
      sessionToken: secretOf(`${name}/token`).repeat(4),
      caller: role === undefined ? caller : { ...caller, role },
      expiresAtMs,
    };
    this.#keys.set(key.accessKeyId, key);
    this.#numbers.set(
      key.accessKeyId,
      role === undefined ? { instanceId, number } : { instanceId, role, number },
    );
    return key;
  }

  /** Ends every temporary key of an instance; the metadata service hands out a new one when next asked. */
  expire(instanceId: InstanceId): void {
    this.#sessions.delete(instanceId);
    for (const [id, key] of this.#keys) {
      const isTheirs = key.caller.kind === 'instance' && key.caller.instanceId === instanceId;
      if (isTheirs && key.sessionToken !== null) this.#keys.set(id, { ...key, expiresAtMs: 0 });
    }
  }
}

function plainNameOf(caller: Caller): string {
  return caller.kind === 'instance' ? caller.instanceId : `operator/${caller.name}`;
}

function keyTail(name: string): string {
  const digest = createHash('sha256').update(`key/${name}`).digest();
  return Array.from(digest.subarray(0, 16), (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte % 32]).join('');
}

function secretOf(name: string): string {
  return createHash('sha256').update(`secret/${name}`).digest('base64').slice(0, 40);
}
