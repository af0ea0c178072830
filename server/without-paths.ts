/** Messages of the library name files of this machine, which is the operator's business and no client's. */

/** A path with a folder in it: from its slash on, unless it is a part of a word, an address or one of the service's own. */
const absolute = /(?<![\w:/.*+-])\/(?!v1\/)(?:[^\s/;,:'"()]+\/)+([^\s/;,:'"()]*)/g;
/** A path of Windows. */
const lettered = /\b[A-Za-z]:\\(?:[^\s\\;,:'"()]+\\)*([^\s\\;,:'"()]*)/g;

/** The text with the last part of each absolute path alone. */
export function withoutPaths(text: string): string {
  return text.replace(absolute, '$1').replace(lettered, '$1');
}
