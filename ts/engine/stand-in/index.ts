export type { StandInGeneration, StandInLoad, StandInScript } from './script.ts';
export { STAND_IN_TEMPLATE, StandInEngine, type StandInOptions } from './stand-in-engine.ts';
