export function sourcesDigest(root: string): string;
export function isBuilt(root: string): boolean;
export function noteBuilt(root: string, digest: string): void;
