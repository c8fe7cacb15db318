import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signRequest, signResponse, verifyRequest, verifyResponse } from '../src/auth/signature.ts';
import { KEYS, OTHER_KEYS } from './support/api.ts';

const request = { method: 'POST', path: '/v1/gossip', body: '{"a":1}' };
const signature = signRequest(KEYS, request);
const response = { ...request, status: 200, requestSignature: signature, body: '{"b":2}' };

test('a signature is 43 characters of base64url, over a documented string', () => {
  expect(signature).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const text = '10:failtome/1,7:request,4:POST,10:/v1/gossip,7:{"a":1}';
  expect(signature).toBe(createHmac('sha256', KEYS[0]).update(text).digest('base64url'));
});

test('a response is signed over its direction, its request and its status', () => {
  const text = `10:failtome/1,8:response,4:POST,10:/v1/gossip,43:${signature},3:200,7:{"b":2}`;
  expect(signResponse(KEYS, response)).toBe(createHmac('sha256', KEYS[0]).update(text).digest('base64url'));
});

test('every key verifies, the first signs', () => {
  const both = [OTHER_KEYS[0], KEYS[0]] as const;
  expect(verifyRequest(both, request, signature)).toBe(true);
  expect(verifyRequest(OTHER_KEYS, request, signRequest(both, request))).toBe(true);
  expect(verifyRequest(OTHER_KEYS, request, signature)).toBe(false);
});

test('text and bytes of the same body have the same signature', () => {
  const body = '{"reason":"żółw"}';
  expect(
    verifyRequest(KEYS, { ...request, body: Buffer.from(body) }, signRequest(KEYS, { ...request, body })),
  ).toBe(true);
});

test.each([
  ['method', { ...request, method: 'PUT' }],
  ['path', { ...request, path: '/v1/vote' }],
  ['query', { ...request, path: '/v1/gossip?x' }],
  ['body', { ...request, body: '{"a":2}' }],
  ['border of path and body', { ...request, path: '/v1/gossip7:', body: '{"a":1}' }],
])('another %s is refused', (_what, other) => {
  expect(verifyRequest(KEYS, other, signature)).toBe(false);
});

test.each([
  ['status', { ...response, status: 409 }],
  ['request', { ...response, requestSignature: signRequest(KEYS, { ...request, body: '' }) }],
  ['body', { ...response, body: '{"b":3}' }],
])('a response with another %s is refused', (_what, other) => {
  const answered = signResponse(KEYS, response);
  expect(verifyResponse(KEYS, response, answered)).toBe(true);
  expect(verifyResponse(KEYS, other, answered)).toBe(false);
});

test('a response is no request, and a request no response', () => {
  expect(verifyRequest(KEYS, request, signResponse(KEYS, { ...response, body: request.body }))).toBe(false);
  expect(verifyResponse(KEYS, { ...response, body: request.body }, signature)).toBe(false);
});

test('a signature has one spelling', () => {
  // The last of 43 characters carries four bits; the two below it would decode to the same bytes.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(signature.slice(-1));
  const respelled = `${signature.slice(0, -1)}${alphabet[last ^ 1]}`;
  expect(Buffer.from(respelled, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
  expect(verifyRequest(KEYS, request, respelled)).toBe(false);
});

test('no other text is a signature, and none is an error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[A-Za-z0-9_-]{43}$/)), (text) => {
      expect(verifyRequest(KEYS, request, text)).toBe(text === signature);
    }),
  );
});
