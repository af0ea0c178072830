/** How long tests by chance look: a little in `npm test`, and more in `npm run test:all`. */
export function rounds<T = number>(usual: T, all: T): T {
  return process.env.FUNCTA_TESTS === 'all' ? all : usual;
}
