export * from './stand-in/index.ts';
