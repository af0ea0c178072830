import type { Dataset, DatasetCard, OpenDatasetOptions, Split } from './dataset.ts';
import type { FetchContext } from './fetch/context.ts';

/** What a data set gives to be in the registry. */
export interface DatasetEntry {
  readonly name: string;
  readonly card: DatasetCard;
  /** Directory under the cache root; sets that share their files share it. Absent: nothing is fetched. */
  readonly directory?: string;
  /** Raised when the converted files change their meaning. */
  readonly layout?: number;
  /** True where the caller must say where the files are. */
  readonly needsPath?: boolean;
  /** True where its files may be of several variables, or are surfaces. */
  readonly hasParts?: boolean;
  /** Fills `context.directory`. */
  fetch?(context: FetchContext): Promise<void>;
  open(split: Split, at: OpenDatasetOptions & { directory: string }): Promise<Dataset> | Dataset;
  /** All items, where they are more than those of the splits; else the splits are joined. */
  openAll?(at: OpenDatasetOptions & { directory: string }): Promise<Dataset> | Dataset;
}
