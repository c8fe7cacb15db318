/**
 * The agent's configuration, read and checked, every default filled in.
 *
 * What the protocol needs of it goes there through `toProtocolConfig`; the rest is for the adapters.
 */

import type { StatusRange } from '@failtome/ports';
import type {
  CheckConfig,
  DurationMs,
  FailbackConfig,
  InstanceId,
  Ip,
  NodeId,
  NoticeKind,
  ProtocolConfig,
  Role,
} from '@failtome/protocol';
import type { PublicKey } from '../auth/identity.ts';
import type { OperatorSettings } from '../auth/operators.ts';

export type { StatusRange } from '@failtome/ports';

/** How an address is probed. */
export interface ProbeConfig extends CheckConfig {
  readonly scheme: 'http' | 'https';
  /** The `Host` header, and the TLS server name when it is a name. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly expect: readonly StatusRange[];
}

/** A shared address. */
export interface AddressSettings {
  readonly ip: Ip;
  /** Null: looked up by ip. */
  readonly allocationId: string | null;
  /** Null: the network interface's primary private address. */
  readonly privateIp: Ip | null;
  /** Null: nobody's in particular. */
  readonly home: NodeId | null;
  readonly probe: ProbeConfig;
}

/** How this node's own HAProxy is checked: by what isn't null, one at least. */
export interface LocalConfig extends CheckConfig {
  /** A page. */
  readonly url: string | null;
  /** HAProxy's runtime socket. */
  readonly socket: string | null;
  /** A program and its arguments. */
  readonly command: readonly string[] | null;
  readonly need: 'all' | 'any';
}

/** Another node of the cluster. */
export interface PeerSettings {
  readonly id: NodeId;
  /** Null: it is to be found, and hasn't been yet. */
  readonly url: string | null;
  /** The file leaves its URL out. */
  readonly isSought: boolean;
  readonly role: Role;
  readonly priority: number;
  /** Any of them signs its messages; none: whoever has the cluster's key speaks for it. */
  readonly publicKeys: readonly PublicKey[];
}

/** A peer that it is known how to reach. */
export interface LocatedPeer extends PeerSettings {
  readonly url: string;
}

/** How the peers are found whose URLs are left out. */
export interface DiscoverySettings {
  /** The key of the tag whose value is a node's id. */
  readonly tag: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
}

/** How the API speaks TLS. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  /** Null: the authorities that Node knows, for peers without a public key of their own. */
  readonly caFile: string | null;
  readonly clientAuth: 'none' | 'required';
  /** What becomes of plain HTTP at `api.listen`. */
  readonly plain: 'refuse' | 'accept';
  /** What `api.observe` speaks. */
  readonly observe: 'tls' | 'plain';
}

/** What every driver that calls AWS is told. */
interface AwsDriverSettings {
  /** Null: as the AWS SDK finds it (environment, then instance metadata). */
  readonly region: string | null;
  /** EC2's instance id, or OpsWorks's own for `opsworks`. Null: from instance metadata (and looked up from the EC2 id). */
  readonly instanceId: InstanceId | null;
  /** The ARN of the role that its calls are made with; null: the node's own. */
  readonly assumeRole: string | null;
  readonly displace: 'refuse' | 'allow';
}

/** What a driver is told that puts addresses onto an interface. */
interface OntoInterface {
  /** Null: the instance's only one, or of Elastic IPs that with the private address that they land on. */
  readonly networkInterfaceId: string | null;
}

/** What moves the addresses. */
export type DriverSettings =
  | ({ readonly kind: 'opsworks' } & AwsDriverSettings)
  | ({ readonly kind: 'ec2' | 'ec2-private-ip' } & OntoInterface & AwsDriverSettings)
  | ({
      readonly kind: 'ec2-route';
      /** Their ids, each once. */
      readonly routeTables: readonly string[];
    } & OntoInterface &
      AwsDriverSettings)
  | { readonly kind: 'exec'; readonly command: readonly string[]; readonly displace: 'refuse' | 'allow' };

/** Where messages go that the direct path doesn't carry. */
export type StoreSettings =
  | {
      readonly kind: 'dynamodb';
      readonly table: string;
      /** Null: the driver's, or as the AWS SDK finds it. */
      readonly region: string | null;
    }
  | {
      readonly kind: 'etcd';
      /** Of its members, one at least. */
      readonly endpoints: readonly string[];
      readonly prefix: string;
      /** Null: the authorities that Node knows. */
      readonly caFile: string | null;
      /** Null, as is `keyFile` then: no client certificate. */
      readonly certFile: string | null;
      readonly keyFile: string | null;
      /** Null: it asks for no user. */
      readonly login: EtcdUser | null;
    };

/** A user of an etcd, and the file of its password. */
export interface EtcdUser {
  readonly user: string;
  readonly passwordFile: string;
}

/** A whole configuration, with its defaults. */
export interface AgentConfig {
  readonly cluster: string;
  /** A null `id` comes from instance metadata. */
  readonly node: { readonly id: NodeId | null; readonly role: Role; readonly priority: number };
  readonly api: {
    readonly listen: { readonly host: string; readonly port: number };
    readonly advertise: string | null;
    /** More names by which the reading routes may be asked for. */
    readonly hosts: readonly string[];
    readonly read: 'anyone' | 'token' | 'peers';
    /** Null unless `read` is `token`. */
    readonly readTokenFile: string | null;
    /** Null: the reading routes are beside the messages. */
    readonly observe: { readonly host: string; readonly port: number } | null;
    /** Null: the API speaks plain HTTP. */
    readonly tls: TlsSettings | null;
  };
  /** As configured: an entry with this node's own id may be among them. */
  readonly peers: readonly PeerSettings[];
  /** Null: every peer has its URL. */
  readonly discovery: DiscoverySettings | null;
  readonly auth: {
    readonly keyFile: string;
    /** The file of this node's own key pair. Null: it has none. */
    readonly identity: string | null;
    /** None: whoever has the cluster's key may give commands, unless the nodes have identities. */
    readonly operators: readonly OperatorSettings[];
  };
  readonly addresses: readonly AddressSettings[];
  /** Null: always fit. */
  readonly local: LocalConfig | null;
  readonly gossip: ProtocolConfig['gossip'];
  readonly agreement: {
    readonly silentPeer: 'takeover' | 'hold';
    readonly arbiter: boolean;
    readonly leaseMs: DurationMs;
  };
  readonly guard: GuardSettings;
  /** Null for a witness or a member. */
  readonly driver: DriverSettings | null;
  /** Null: there is none. */
  readonly store: StoreSettings | null;
  readonly notify: {
    readonly sns: { readonly topicArn: string; readonly events: readonly NoticeKind[] } | null;
    readonly webhooks: readonly WebhookSettings[];
    readonly exec: NotifyCommand | null;
    /** Null: as long as a failover may take by these settings. */
    readonly blockedAfterMs: DurationMs | null;
  };
  readonly holdDownMs: DurationMs;
  readonly flap: { readonly moves: number; readonly withinMs: DurationMs };
  /** Null: never. */
  readonly failback: FailbackConfig | null;
  readonly handover: { readonly on: readonly HandoverOccasion[] };
  readonly stateDir: string;
  /** Null: nothing is recorded. */
  readonly recorder: { readonly keepMs: DurationMs; readonly sizeBytes: number } | null;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
}

/** What has a holder hand over by itself: its machine goes down, is reclaimed, isn't needed any more, or is to be rebooted. */
export type HandoverOccasion = 'shutdown' | 'spot' | 'scale-in' | 'maintenance';

/** What a web hook takes: this product's own JSON, or what a service expects. */
export type WebhookForm = 'json' | 'slack' | 'pagerduty';

/** A web hook, without what is secret of it where that stands in files. */
export interface WebhookSettings {
  readonly name: string;
  readonly form: WebhookForm;
  /** Null: it stands in `urlFile`, or is PagerDuty's own. */
  readonly url: string | null;
  readonly urlFile: string | null;
  /** Null: nothing is signed. */
  readonly keyFile: string | null;
  readonly timeoutMs: DurationMs;
  readonly events: readonly NoticeKind[];
}

/** A program that is run for each event. */
export interface NotifyCommand {
  readonly command: readonly string[];
  readonly timeoutMs: DurationMs;
  readonly events: readonly NoticeKind[];
}

/** The external-IP services. */
export interface GuardSettings {
  readonly urls: readonly string[];
  readonly timeoutMs: DurationMs;
  /** An address that the internet does not route proves a way out, whoever tells it. */
  readonly allowPrivate: boolean;
}

/** Who this node is, once instance metadata has been asked where the configuration doesn't say. */
export interface Identity {
  readonly id: NodeId;
  /** The driver's name for this machine; empty where the role needs none. */
  readonly instanceId: InstanceId;
  readonly region: string | null;
}
