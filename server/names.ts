/** Names that are given to things over HTTP, and stand for files: the same on every file system, and no way out of a directory. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
