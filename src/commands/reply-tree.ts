/**
 * Writes a reply that was built as data: those of COMMAND INFO and COMMAND DOCS, which are deep, rare and derived.
 * All other replies are written as they are found; see ReplyWriter.
 */
import type { ReplyWriter } from '../resp';
import type { ReplyTree } from './replies';

export function writeReplyTree(reply: ReplyWriter, tree: ReplyTree): void {
  if (tree === null) return reply.null();
  if (typeof tree === 'string') return reply.text(tree);
  if (typeof tree === 'number') return reply.integer(tree);
  switch (tree.kind) {
    case 'status':
      return reply.simple(tree.text);
    case 'map':
      reply.map(tree.pairs.length);
      for (const [key, value] of tree.pairs) {
        writeReplyTree(reply, key);
        writeReplyTree(reply, value);
      }
      return;
    case 'array':
    case 'set':
      if (tree.kind === 'set') reply.set(tree.items.length);
      else reply.array(tree.items.length);
      for (const item of tree.items) writeReplyTree(reply, item);
  }
}
