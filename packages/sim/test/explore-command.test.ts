import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CommandContext, ExitCode } from '../src/commands/context.ts';
import { addExplore } from '../src/commands/explore-command.ts';

describe('failtome-sim explore', () => {
  it('prints bounds, states, transitions, depth, what was seen, and that it is complete', () => {
    const { text, code } = explored('--faults', '0', '--reasons', 'machine-gone');
    expect(code).toBe(0);
    expect(text).toMatch(/cluster pair, 1 address, 0 faults/);
    expect(text).toMatch(/\d+ states, \d+ transitions in [\d.]+ s \(\d+\/s\)/);
    expect(text).toMatch(/depth \d+ quanta, 0 states waiting/);
    expect(text).toContain('complete: yes');
    expect(text).toContain('moves: takeover served');
    expect(text).toContain('no violation');
  });

  it('says how far it got when a limit ends it', () => {
    const { text, code } = explored('--cluster', 'three', '--depth', '4', '--orders', 'one');
    expect(code).toBe(0);
    expect(text).toContain('complete: no');
    expect(text).toMatch(/depth 4 quanta/);
  });

  it('gives the result as JSON', () => {
    const { text } = explored('--faults', '0', '--reasons', 'none', '--horizon', '500ms', '--json');
    expect(JSON.parse(text)).toMatchObject({ complete: true, violation: null, bounds: { horizonMs: 500 } });
  });

  it.each([
    ['--cluster', 'dozen'],
    ['--faults', 'many'],
    ['--fault-kinds', 'message,shared'],
    ['--horizon', 'soon'],
  ])('refuses %s %s', (...argv) => {
    expect(() => explored(...argv)).toThrow(CommanderError);
  });
});

function explored(...argv: readonly string[]): { text: string; code: ExitCode } {
  let text = '';
  let code: ExitCode = 0;
  const context: CommandContext = {
    signal: new AbortController().signal,
    write: (more) => {
      text += more;
    },
    colour: false,
    finish: (to) => {
      code = to;
    },
  };
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addExplore(program, context);
  for (const command of program.commands)
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  program.parse(['explore', ...argv], { from: 'user' });
  return { text, code };
}
