/** Packages that read formats and need not be there: each is tried when a file of its kind is first read. */
import { EnvironmentError } from '../core/errors.ts';

/** What `load` imports. `instead` says what reads without it. Throws EnvironmentError `package-absent`. */
export async function optionalPackage<T>(name: string, load: () => Promise<T>, instead: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new EnvironmentError(
      'package-absent',
      `the package ${name} does not load here; npm install ${name}, or ${instead}`,
      { cause },
    );
  }
}
