#!/usr/bin/env node
/**
 * cachectl: the command line of the control plane. Asks any config server of a list; changes are made once, however often they must
 * be asked for.
 */
import { runProgram } from './cachectl/program';

const exitCode = await runProgram(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
// Attempts at connections that were given up would keep the process alive until the system gives them up, too.
process.stdout.write('', () => process.exit(exitCode));
