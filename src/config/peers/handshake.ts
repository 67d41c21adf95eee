/**
 * The handshake: two config servers prove to each other that they are of one cluster, and say who they are.
 *
 *     dialer                                                        acceptor
 *       hello      versions, who I am, whom I want, a nonce    →
 *                                                              ←    challenge   version, a nonce
 *       proof      my incarnation, HMAC                        →
 *                                                              ←    proof       my incarnation, HMAC; or farewell
 *
 * The HMAC (SHA-256, keyed by the cluster's secret) is over the role of who makes it, the cluster's name, both first messages and
 * the incarnations: so no proof serves twice, nor in the other direction, nor after somebody changed the versions that were offered.
 * The secret never travels. Who has not proved that it knows it is told nothing but that, and which versions are spoken; who has, and is
 * not let in, is told why. What follows is not signed: against who can change packets on their way, there is TLS.
 *
 * Pure: frames in, frames and verdicts out. Comparisons take the same time whatever they find.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { NodeId } from '../../raft';
import { encodeFrame, type FrameKind } from './frames';

/** The versions of this protocol that are spoken here. */
export const VERSION_MIN = 1;
export const VERSION_MAX = 1;

const NONCE_BYTES = 32;
const PROOF_BYTES = 32;
const HELLO_BYTES = 12 + NONCE_BYTES;
const CHALLENGE_BYTES = 2 + NONCE_BYTES;
const INCARNATION = /^[\w-]{1,64}$/;
const FAREWELL_BYTES_MAX = 200;

/** Who this node is, and what its proofs are made with. */
export interface PeerIdentity {
  readonly id: NodeId;
  /** Names its disk: 1 … 64 letters, digits, `_`, `-`. */
  readonly incarnation: string;
  /** The same for all config servers of a cluster, and no other's. May be ''. */
  readonly clusterName: string;
  /** Shared by them. '' : nothing is proved, and other means must keep strangers out. */
  readonly secret: string;
}

/** Whom a connection leads to. */
export interface PeerProof {
  readonly node: NodeId;
  readonly incarnation: string;
}

export type Verdict =
  /** Send this, and wait for more. */
  | { readonly kind: 'go-on'; readonly send: Buffer }
  /** The other side is who it says; send this first. */
  | { readonly kind: 'proven'; readonly send: Buffer | null; readonly peer: PeerProof }
  /** Send a farewell with the text for the peer, and close. `reason` is for the log of this node. */
  | { readonly kind: 'refused'; readonly tell: string; readonly reason: string }
  /** The other side is who it says, and another connection to it is the better one: likewise. */
  | { readonly kind: 'declined'; readonly tell: string };

export interface Handshake {
  /** Takes the next frame of the other side. */
  step(kind: FrameKind, payload: Buffer): Verdict;
}

/** Why this peer is not let in; null where it is. */
export type Objection = (peer: PeerProof) => string | null;

export class DialerHandshake implements Handshake {
  /** What the connection begins with, after the preface. */
  readonly hello: Buffer;
  private readonly said = Buffer.alloc(HELLO_BYTES);
  private challenge: Buffer | null = null;

  constructor(
    private readonly self: PeerIdentity,
    private readonly wanted: NodeId,
    private readonly objection: Objection,
  ) {
    this.said.writeUInt16BE(VERSION_MIN, 0);
    this.said.writeUInt16BE(VERSION_MAX, 2);
    this.said.writeUInt32BE(self.id, 4);
    this.said.writeUInt32BE(wanted, 8);
    randomBytes(NONCE_BYTES).copy(this.said, 12);
    this.hello = encodeFrame('hello', this.said);
  }

  step(kind: FrameKind, payload: Buffer): Verdict {
    const { self, said } = this;
    if (this.challenge === null) {
      if (kind !== 'challenge' || payload.length !== CHALLENGE_BYTES) return outOfTurn(kind);
      const version = payload.readUInt16BE(0);
      if (version < VERSION_MIN || version > VERSION_MAX) return outOfTurn(kind);
      this.challenge = Buffer.from(payload);
      const mac = proofOf(self, 'dialer', [said, payload], [self.incarnation]);
      return { kind: 'go-on', send: proofFrame(self.incarnation, mac) };
    }
    const proof = kind === 'proof' ? parseProof(payload) : null;
    if (proof === null) return outOfTurn(kind);
    const peer = { node: this.wanted, incarnation: proof.incarnation };
    const right = proofOf(self, 'acceptor', [said, this.challenge], [self.incarnation, proof.incarnation]);
    if (!timingSafeEqual(right, proof.mac)) return unproven();
    const objection = this.objection(peer);
    return objection === null ? { kind: 'proven', send: null, peer } : refused(objection);
  }
}

export class AcceptorHandshake implements Handshake {
  private hello: Buffer | null = null;
  private readonly challenge = Buffer.alloc(CHALLENGE_BYTES);

  /** @param rival why a connection of a peer that may come in is not needed */
  constructor(
    private readonly self: PeerIdentity,
    private readonly objection: Objection,
    private readonly rival: Objection,
  ) {}

  step(kind: FrameKind, payload: Buffer): Verdict {
    return this.hello === null ? this.greet(kind, payload) : this.judge(this.hello, kind, payload);
  }

  private greet(kind: FrameKind, payload: Buffer): Verdict {
    if (kind !== 'hello' || payload.length < HELLO_BYTES) return outOfTurn(kind);
    const least = payload.readUInt16BE(0);
    const greatest = payload.readUInt16BE(2);
    const version = Math.min(greatest, VERSION_MAX);
    if (version < VERSION_MIN || version < least) {
      const tell = `versions ${VERSION_MIN} to ${VERSION_MAX} are spoken here`;
      return { kind: 'refused', tell, reason: `it speaks versions ${least} to ${greatest}, but ${tell}` };
    }
    if (payload.length !== HELLO_BYTES) return outOfTurn(kind);
    this.hello = Buffer.from(payload);
    this.challenge.writeUInt16BE(version, 0);
    randomBytes(NONCE_BYTES).copy(this.challenge, 2);
    return { kind: 'go-on', send: encodeFrame('challenge', this.challenge) };
  }

  private judge(hello: Buffer, kind: FrameKind, payload: Buffer): Verdict {
    const { self, challenge } = this;
    const proof = kind === 'proof' ? parseProof(payload) : null;
    if (proof === null) return outOfTurn(kind);
    const peer = { node: hello.readUInt32BE(4), incarnation: proof.incarnation };
    const right = proofOf(self, 'dialer', [hello, challenge], [peer.incarnation]);
    if (!timingSafeEqual(right, proof.mac)) return unproven();
    const wanted = hello.readUInt32BE(8);
    if (wanted !== self.id) return refused(`node ${peer.node} asks for node ${wanted}, and this is node ${self.id}`);
    const objection = this.objection(peer);
    if (objection !== null) return refused(objection);
    const rival = this.rival(peer);
    if (rival !== null) return { kind: 'declined', tell: rival };
    const mac = proofOf(self, 'acceptor', [hello, challenge], [peer.incarnation, self.incarnation]);
    return { kind: 'proven', send: proofFrame(self.incarnation, mac), peer };
  }
}

/** The last frame of a side that ends the connection on purpose. */
export function farewellFrame(text: string): Buffer {
  return encodeFrame('farewell', Buffer.from(printable(text), 'latin1'));
}

/** Text of a peer, fit for a log: printable ASCII of bounded length. */
export function farewellText(payload: Buffer): string {
  return printable(payload.toString('latin1'));
}

function printable(text: string): string {
  return text.slice(0, FAREWELL_BYTES_MAX).replaceAll(/[^ -~]/g, '.');
}

function proofOf(
  { clusterName, secret }: PeerIdentity,
  role: 'dialer' | 'acceptor',
  messages: readonly Buffer[],
  incarnations: readonly string[],
): Buffer {
  const hmac = createHmac('sha256', secret);
  for (const part of [role, clusterName, ...messages, ...incarnations]) {
    const bytes = Buffer.from(part as string);
    hmac.update(`${bytes.length}:`).update(bytes);
  }
  return hmac.digest();
}

function proofFrame(incarnation: string, mac: Buffer): Buffer {
  return encodeFrame('proof', Buffer.concat([mac, Buffer.from(incarnation, 'latin1')]));
}

function parseProof(payload: Buffer): { incarnation: string; mac: Buffer } | null {
  const incarnation = payload.toString('latin1', PROOF_BYTES);
  return INCARNATION.test(incarnation) ? { incarnation, mac: payload.subarray(0, PROOF_BYTES) } : null;
}

function outOfTurn(kind: FrameKind): Verdict {
  const reason = `a frame of the kind '${kind}' is out of turn or malformed`;
  return { kind: 'refused', tell: 'that is no handshake', reason };
}

function unproven(): Verdict {
  return refused('the proof is wrong: another secret, or another cluster');
}

function refused(reason: string): Verdict {
  return { kind: 'refused', tell: reason, reason };
}
