import { engineContract } from '../contract.ts';
import { openReference } from './reference.ts';

engineContract('reference', openReference, { cases: 5 });
