/** Packs what is published from this machine; gives the archives by the name of their package. */
export function packAll(options: { addon: string; out: string }): Promise<Record<string, string>>;
