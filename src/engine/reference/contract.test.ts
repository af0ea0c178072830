import { engineContract } from '../contract.ts';
import { openReference } from './reference.ts';

engineContract('reference', openReference, { threaded: false, cases: 5 });
