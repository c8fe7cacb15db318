/** Names of AWS, in the form that the configuration accepts and the adapters take apart. */

/** A region: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`. */
const REGION = /^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/;

/** An availability, local or wavelength zone: its region, and what follows (`us-east-1a`, `us-west-2-lax-1a`). */
const ZONE = /^([a-z]{2,}(?:-[a-z]+)+-\d{1,2})(?:[a-z]|-[a-z0-9-]+)$/;

const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}$/;

/** Null for a region; otherwise what to mend, empty where there is nothing to add. */
export function regionRemark(text: string): string | null {
  if (REGION.test(text)) return null;
  const region = ZONE.exec(text)?.[1];
  if (region !== undefined) return `did you mean ${region}?`;
  const lower = text.trim().toLowerCase();
  return lower !== text && REGION.test(lower) ? `did you mean ${lower}?` : '';
}

/** The region of a standard topic's ARN; null for anything else. */
export function topicRegion(arn: string): string | null {
  const region = TOPIC_ARN.exec(arn)?.[1];
  return region !== undefined && REGION.test(region) ? region : null;
}

/** Secrets Manager adds six characters to a secret's name (Secrets Manager User Guide, "What's in a secret"). */
const SECRET_ARN = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:[\w/+=.@-]{1,512}-\w{6}$/;

/** The region of the whole ARN of a secret of Secrets Manager; null for anything else. */
export function secretRegion(arn: string): string | null {
  const region = SECRET_ARN.exec(arn)?.[1];
  return region !== undefined && REGION.test(region) ? region : null;
}

/** A role of IAM, with its path. */
export const ROLE_ARN: RegExp = /^arn:aws[a-z-]*:iam::(\d{12}):role\/[\w+=,.@/-]{1,576}$/;

/** The account of the ARN of a role; null for anything else. */
export function roleAccount(arn: string): string | null {
  return ROLE_ARN.exec(arn)?.[1] ?? null;
}

/** Null for a standard topic's ARN; otherwise what to mend. */
export function topicArnRemark(arn: string): string | null {
  if (topicRegion(arn) !== null) return null;
  const region = TOPIC_ARN.exec(arn)?.[1];
  if (region !== undefined) return regionRemark(region) || `${region} is no region`;
  return arn.endsWith('.fifo') ? 'a FIFO topic notifies no people' : '';
}
