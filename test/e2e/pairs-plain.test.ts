import { type Driver, scenario } from './support/scenario.ts';

const drivers: readonly Driver[] = ['ec2', 'opsworks'];

for (const driver of drivers) {
  scenario(
    `${driver}: a killed web server loses the address to the other node`,
    { driver },
    async (scene) => {
      const { cluster } = scene;
      await cluster.node('saturn').web.kill();
      await scene.moved('neptune');
      await scene.sees('saturn', 'up');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );
}
