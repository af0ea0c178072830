/** How long tests by chance look: a little in `npm test`, and more in `npm run test:all`. */
export function rounds(usual: number, all: number): number {
  return process.env.FUNCTA_TESTS === 'all' ? all : usual;
}
