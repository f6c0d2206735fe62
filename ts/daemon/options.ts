import type { Config } from '../config/index.ts';
import type { Engine } from '../inference/index.ts';
import type { ModelHub } from '../sources/index.ts';

/** The engine and the hub; the hub is made when it is first needed. */
export interface DaemonParts {
  engine: Engine;
  hub: () => Promise<ModelHub>;
}

export interface StartOptions {
  config: Config;
  /** Reads the configuration again after it was changed over HTTP. */
  reload: () => Promise<Config>;
  /** Log to standard output instead of the log file. */
  foreground: boolean;
  /** In the foreground: takes lines for people instead of JSON on standard output. */
  terminal?: (line: string) => void;
  /** Called when a response is complete. */
  onResponse?: () => void;
  /** Called when it begins to stop. */
  onStopping?: () => void;
  /** What tests put in place of the engine and the hub. */
  parts?: Partial<DaemonParts>;
}
