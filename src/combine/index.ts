/** Paths between functions, their means, differences and weighted sums. */
export { differenceOf, meanOf, type PathSpace, pathBetween, type Term, weightedSum } from './combine.ts';
export { getFunctions, labelled, notesOf } from './functions.ts';
export { codeTerms, decodeTerms } from './result.ts';
export { type PathSpaceName, pathSpaceOf, pathSpaces } from './spaces.ts';
