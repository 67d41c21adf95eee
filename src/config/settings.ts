/**
 * The settings of a config server. Names that Redis has too mean the same here.
 */
import { oneOf, Settings, text } from '../base';
import { doorwaySettings } from '../net';

const table = {
  ...doorwaySettings(6390),
  dir: text('.', { immutable: true, does: 'Directory of view.json, the state.' }),
  loglevel: oneOf('notice', ['debug', 'verbose', 'notice', 'warning', 'nothing'], {
    does: 'Least level that is logged.',
  }),
  logfile: text('', { immutable: true, does: 'File to log to; empty: standard output.' }),
} as const;

export type ConfigSettings = Settings<typeof table>;

export function configSettings(): ConfigSettings {
  return new Settings(table);
}
