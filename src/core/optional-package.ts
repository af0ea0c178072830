/** Packages that need not be there: each is loaded when what it is for is first asked for. */
import { EnvironmentError } from './errors.ts';

/** What `load` imports. `instead` says what does without it. Throws EnvironmentError `package-absent`. */
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
