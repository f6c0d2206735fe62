import { mainWork, type RequestRecord, type RunningModel, WORK_KINDS } from '../../lifecycle/index.ts';
import { Histogram } from './histogram.ts';

const BACKEND = 'candle';
const DURATION_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const FIRST_TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

interface Series {
  promptTokens: number;
  generatedTokens: number;
  requests: Map<string, number>;
  duration: Histogram;
  firstToken: Histogram;
}

/** How late the event loop of the daemon was, in seconds. */
export interface LoopDelay {
  readonly count: number;
  readonly sum: number;
  readonly max: number;
  /** @param share in [0, 1]. */
  quantile(share: number): number;
}

/** Counts what requests came to, by model and mode, since the daemon started. */
export class Metrics {
  readonly #series = new Map<string, Series>();

  /** A request has ended. */
  readonly observe = (record: RequestRecord): void => {
    const labels = labelsOf(record.model, record.mode);
    let series = this.#series.get(labels);
    if (series === undefined) {
      series = {
        promptTokens: 0,
        generatedTokens: 0,
        requests: new Map(),
        duration: new Histogram(DURATION_SECONDS),
        firstToken: new Histogram(FIRST_TOKEN_SECONDS),
      };
      this.#series.set(labels, series);
    }
    series.promptTokens += record.promptTokens;
    series.generatedTokens += record.completionTokens;
    series.requests.set(record.outcome, (series.requests.get(record.outcome) ?? 0) + 1);
    series.duration.add(record.durationMs / 1000);
    if (record.firstTokenMs !== undefined) series.firstToken.add(record.firstTokenMs / 1000);
  };

  /** Prometheus text 0.0.4. What is loaded and what waits is looked at now. */
  expose(running: RunningModel[], loopDelay: LoopDelay): string {
    const all = [...this.#series];
    if (all.length === 0 && running.length === 0) return '# No request so far, and no model is loaded.\n';
    const gauge = (value: (model: RunningModel) => number) =>
      running.map((model) => line('', labelsOf(model.name, WORK_KINDS[mainWork(model.details)].mode), value(model)));
    return [
      family(
        'omg_prompt_tokens_total',
        'counter',
        'Tokens of prompts, those from the prefix cache among them.',
        all.map(([labels, { promptTokens }]) => line('', labels, promptTokens)),
      ),
      family(
        'omg_generated_tokens_total',
        'counter',
        'Tokens generated.',
        all.map(([labels, { generatedTokens }]) => line('', labels, generatedTokens)),
      ),
      family(
        'omg_requests_total',
        'counter',
        'Requests that have ended, by what they came to.',
        all.flatMap(([labels, { requests }]) =>
          [...requests].map(([status, count]) => line('', `${labels},status="${status}"`, count)),
        ),
      ),
      family(
        'omg_request_duration_seconds',
        'histogram',
        'From the arrival of a request to its end.',
        all.flatMap(([labels, { duration }]) => duration.lines(labels)),
      ),
      family(
        'omg_time_to_first_token_seconds',
        'histogram',
        'From the arrival of a request to its first token.',
        all.flatMap(([labels, { firstToken }]) => firstToken.lines(labels)),
      ),
      family(
        'omg_queue_depth',
        'gauge',
        'Requests that wait for the model.',
        gauge(({ queuedRequests }) => queuedRequests),
      ),
      family(
        'omg_models_loaded',
        'gauge',
        '1 for each model in memory.',
        gauge(({ info }) => (info === undefined ? 0 : 1)),
      ),
      family(
        'omg_vram_bytes',
        'gauge',
        'Memory of an accelerator that the model takes, as planned.',
        gauge(({ info }) => (info === undefined || info.device === 'cpu' ? 0 : info.memory.totalBytes)),
      ),
      family(
        'omg_event_loop_delay_seconds',
        'summary',
        'How late the daemon was to do what was due, while requests were under way.',
        delayLines(loopDelay),
      ),
    ].join('');
  }
}

const QUANTILES = [0.5, 0.9, 0.99];

function delayLines(delay: LoopDelay): string[] {
  return [
    ...QUANTILES.map((share) => line('', `quantile="${share}"`, delay.quantile(share))),
    line('', 'quantile="1"', delay.max),
    `_sum ${delay.sum}\n`,
    `_count ${delay.count}\n`,
  ];
}

function labelsOf(model: string, mode: string): string {
  return `backend="${BACKEND}",model="${escapeLabel(model)}",mode="${mode}"`;
}

function escapeLabel(text: string): string {
  return text.replaceAll(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

/** The rest of a line after the name of its family. */
function line(suffix: string, labels: string, value: number): string {
  return `${suffix}{${labels}} ${value}\n`;
}

function family(
  name: string,
  type: 'counter' | 'gauge' | 'histogram' | 'summary',
  help: string,
  lines: string[],
): string {
  if (lines.length === 0) return '';
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.map((rest) => name + rest).join('')}`;
}
