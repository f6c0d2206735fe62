import type { Tool } from '../tool.ts';
import { chatTool } from './chat.ts';
import { embedTool } from './embed.ts';
import { listModelsTool } from './list-models.ts';
import { loadTool, unloadTool } from './load.ts';
import { planTool } from './plan.ts';
import { pullTool } from './pull.ts';
import { searchTool } from './search.ts';
import { statusTool } from './status.ts';

/** Every tool, in the order in which clients list them. */
export const TOOLS: readonly Tool[] = [
  chatTool,
  listModelsTool,
  statusTool,
  searchTool,
  planTool,
  pullTool,
  loadTool,
  unloadTool,
  embedTool,
];
