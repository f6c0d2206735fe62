import { parentPort } from 'node:worker_threads';
import { type RenderJob, renderTemplate } from './template-runtime.ts';

/** Entry of the worker thread in which templates run; the parent sends jobs one by one and ends the thread when one takes too long. */
parentPort?.on('message', (job: RenderJob) => parentPort?.postMessage(renderTemplate(job)));
