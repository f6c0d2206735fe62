export { RunnerEngine, type RunnerEngineOptions } from './runner-engine.ts';
export * from './stand-in/index.ts';
