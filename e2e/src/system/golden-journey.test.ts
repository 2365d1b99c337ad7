/** Runs the golden journey over our gateway, with everything in one process. */
import { clientOf, temporaryFolder } from '@daybook/testing';
import { startEmbedded } from '../support/embedded.ts';
import { describeGoldenJourney } from './golden-journey.ts';

describeGoldenJourney(async (stack) => {
  const folder = stack.use(await temporaryFolder());
  const system = await startEmbedded(folder.path);
  stack.defer(() => system.close());
  return { client: clientOf(system), system };
});
