/** Creates volumes on the disk of the only node, for a cluster without a provisioner. */
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The user in the images of MySQL and RabbitMQ. */
const SERVERS = 999;

export async function makeVolumes(folder: string): Promise<readonly object[]> {
  return Promise.all(
    ['mysql', 'rabbitmq'].map(async (server) => {
      const path = join(folder, server);
      await mkdir(path);
      // A provisioner does this for fsGroup.
      await chown(path, SERVERS, SERVERS);
      await chmod(path, 0o2770);
      return {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `daybook-${server}` },
        spec: {
          capacity: { storage: '10Gi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          hostPath: { path, type: 'Directory' },
          claimRef: { namespace: 'daybook', name: `data-${server}-0` },
        },
      };
    }),
  );
}
