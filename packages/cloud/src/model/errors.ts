import { type AwsAction, type AwsService, operationOf } from './names.ts';
import type { AwsError } from './requests.ts';

function error(code: string, status: number, message: string): AwsError {
  return { code, status, message };
}

/** EC2 API Reference, "Error codes for the Amazon EC2 API"; the sentences are those of real answers. */
export const ec2Errors: Readonly<{
  addressNotFound(publicIp: string): AwsError;
  allocationNotFound(allocationId: string): AwsError;
  associationNotFound(associationId: string): AwsError;
  instanceNotFound(instanceId: string): AwsError;
  interfaceNotFound(interfaceId: string): AwsError;
  alreadyAssociated(allocationId: string, associationId: string): AwsError;
  targetOccupied(interfaceId: string, privateIp: string, publicIp: string): AwsError;
  severalInterfaces(instanceId: string): AwsError;
  instanceNotRunning(instanceId: string, state: string): AwsError;
  interfaceNotReady(interfaceId: string, state: string): AwsError;
  missingParameter(sentence: string): AwsError;
  parameterCombination(sentence: string): AwsError;
  parameterValue(sentence: string): AwsError;
  assignedAlready(privateIp: string): AwsError;
  notAssigned(interfaceId: string): AwsError;
  ipv6InUse(ip: string): AwsError;
  ipv6NotAssigned(ip: string, interfaceId: string): AwsError;
  subnetNotFound(subnetId: string): AwsError;
  tooManyPrivateIps(): AwsError;
  routeTableNotFound(routeTableId: string): AwsError;
  noRoute(destination: string): AwsError;
  routeExists(destination: string): AwsError;
  dryRun(): AwsError;
}> = {
  addressNotFound: (publicIp) => error('InvalidAddress.NotFound', 400, `Address '${publicIp}' not found.`),
  allocationNotFound: (id) =>
    error('InvalidAllocationID.NotFound', 400, `The allocation ID '${id}' does not exist`),
  associationNotFound: (id) =>
    error('InvalidAssociationID.NotFound', 400, `The association ID '${id}' does not exist`),
  instanceNotFound: (id) =>
    error('InvalidInstanceID.NotFound', 400, `The instance ID '${id}' does not exist`),
  interfaceNotFound: (id) =>
    error('InvalidNetworkInterfaceID.NotFound', 400, `The networkInterface ID '${id}' does not exist`),
  alreadyAssociated: (allocationId, associationId) =>
    error(
      'Resource.AlreadyAssociated',
      400,
      `resource ${allocationId} is already associated with associate-id ${associationId}`,
    ),
  targetOccupied: (interfaceId, privateIp, publicIp) =>
    error(
      'Resource.AlreadyAssociated',
      400,
      `resource ${interfaceId} and ${privateIp} is already associated with public address ${publicIp}`,
    ),
  severalInterfaces: (id) =>
    error(
      'InvalidInstanceID',
      400,
      `There are multiple interfaces attached to instance '${id}'. Please specify an interface ID for the operation instead.`,
    ),
  instanceNotRunning: (id, state) =>
    error(
      'InvalidInstanceID',
      400,
      `The ${state} instance '${id}' is not in a valid state for this operation.`,
    ),
  interfaceNotReady: (id, state) =>
    error(
      'IncorrectInstanceState',
      400,
      `The ${state} instance to which '${id}' is attached is not in a valid state for this operation`,
    ),
  missingParameter: (sentence) => error('MissingParameter', 400, sentence),
  parameterCombination: (sentence) => error('InvalidParameterCombination', 400, sentence),
  parameterValue: (sentence) => error('InvalidParameterValue', 400, sentence),
  assignedAlready: (privateIp) =>
    error('InvalidParameterValue', 400, `[${privateIp}] assigned, but move is not allowed.`),
  notAssigned: (id) =>
    error(
      'InvalidParameterValue',
      400,
      `Some of the specified addresses are not assigned to interface ${id}`,
    ),
  // What EC2 says of IPv6 here isn't known: these sentences are made up.
  ipv6InUse: (ip) => error('InvalidParameterValue', 400, `The address ${ip} belongs to a network interface.`),
  ipv6NotAssigned: (ip, id) => error('InvalidParameterValue', 400, `The address ${ip} is none of ${id}'s.`),
  subnetNotFound: (id) => error('InvalidSubnetID.NotFound', 400, `The subnet ID '${id}' does not exist`),
  tooManyPrivateIps: () =>
    error('PrivateIpAddressLimitExceeded', 400, 'Number of private addresses will exceed limit.'),
  routeTableNotFound: (id) =>
    error('InvalidRouteTableID.NotFound', 400, `The routeTable ID '${id}' does not exist`),
  // Not the code that the reference names, `InvalidRoute.NotFound`.
  noRoute: (destination) =>
    error(
      'InvalidParameterValue',
      400,
      `There is no route defined for '${destination}' in the route table. Use CreateRoute instead.`,
    ),
  routeExists: (destination) =>
    error('RouteAlreadyExists', 400, `The route identified by ${destination} already exists.`),
  dryRun: () => error('DryRunOperation', 412, 'Request would have succeeded, but DryRun flag is set.'),
};

/** OpsWorks API Reference: both are answered with status 400. */
export const opsworksErrors: Readonly<{
  notFound(sentence: string): AwsError;
  validation(sentence: string): AwsError;
}> = {
  notFound: (sentence) => error('ResourceNotFoundException', 400, sentence),
  validation: (sentence) => error('ValidationException', 400, sentence),
};

/** SNS API Reference, Publish. */
export const snsErrors: Readonly<{
  topicNotFound(): AwsError;
  invalidParameter(sentence: string): AwsError;
}> = {
  topicNotFound: () => error('NotFound', 404, 'Topic does not exist'),
  invalidParameter: (sentence) => error('InvalidParameter', 400, `Invalid parameter: ${sentence}`),
};

/** STS API Reference, common errors. */
export const stsErrors: Readonly<{ invalid(member: string): AwsError }> = {
  invalid: (member) =>
    error(
      'ValidationError',
      400,
      `1 validation error detected: Value at '${member}' failed to satisfy constraint`,
    ),
};

/** Secrets Manager API Reference, GetSecretValue. */
export const secretErrors: Readonly<{ notFound(): AwsError }> = {
  notFound: () => error('ResourceNotFoundException', 400, "Secrets Manager can't find the specified secret."),
};

/** A throttled call: each protocol has its own code, and SDKs know them by code, not by status. */
export function throttledError(service: AwsService): AwsError {
  switch (service) {
    case 'ec2':
      return error('RequestLimitExceeded', 503, 'Request limit exceeded.');
    case 'opsworks':
    case 'secretsmanager':
      return error('ThrottlingException', 400, 'Rate exceeded');
    case 'sns':
    case 'sts':
      return error('Throttling', 400, 'Rate exceeded');
  }
}

/** A call that its role may not make. */
export function unauthorizedError(action: AwsAction, arn: string): AwsError {
  const sentence = `User: ${arn} is not authorized to perform: ${action}`;
  const service = action.split(':')[0];
  switch (service) {
    case 'ec2':
      return error(
        'UnauthorizedOperation',
        403,
        `You are not authorized to perform this operation. ${sentence} because no identity-based policy allows the ${action} action`,
      );
    case 'opsworks':
    case 'secretsmanager':
      return error('AccessDeniedException', 400, sentence);
    case 'sns':
      return error(
        'AuthorizationError',
        403,
        `User: ${arn} is not authorized to perform: SNS:${operationOf(action)}`,
      );
    default:
      return error('AccessDenied', 403, sentence);
  }
}

/** Credentials that were good once. */
export function expiredError(service: AwsService): AwsError {
  switch (service) {
    case 'ec2':
      return error('RequestExpired', 400, 'Request has expired.');
    case 'opsworks':
    case 'secretsmanager':
      return error('ExpiredTokenException', 400, 'The security token included in the request is expired');
    case 'sns':
    case 'sts':
      return error('ExpiredToken', 403, 'The security token included in the request is expired');
  }
}

/** A failure of the service itself. */
export function serverError(service: AwsService, status: 500 | 503): AwsError {
  if (status === 503) {
    const code = service === 'ec2' ? 'Unavailable' : 'ServiceUnavailable';
    return error(code, 503, 'The service is unavailable. Please try again shortly.');
  }
  const code = service === 'ec2' ? 'InternalError' : 'InternalFailure';
  return error(code, 500, 'An internal error has occurred');
}
