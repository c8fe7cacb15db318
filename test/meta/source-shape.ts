/**
 * What the compiler's own parser says of the packages' sources: how long functions and files are, and which exports
 * have no doc comment.
 */
import { join, relative, sep } from 'node:path';
import { type Node, type SourceFile, type Statement, SyntaxKind } from 'typescript/unstable/ast';
import {
  isClassDeclaration,
  isFunctionDeclaration,
  isFunctionLikeDeclaration,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isTypeAliasDeclaration,
  isVariableDeclaration,
  isVariableStatement,
} from 'typescript/unstable/ast/is';
import { API } from 'typescript/unstable/sync';
import { packagesIn } from '../boundaries/imports.ts';

/** A function or a file, by `FILE NAME` or `FILE`, and how many lines it takes. */
export interface Measured {
  readonly name: string;
  readonly lines: number;
}

/** All that is measured, of all packages. Files are named by their paths from the root of the repository. */
export interface SourceShape {
  readonly files: readonly Measured[];
  readonly functions: readonly Measured[];
  /** Exports without a doc comment, as `FILE NAME`. */
  readonly undocumented: readonly string[];
}

/** How many lines a text has. */
export function linesIn(text: string): number {
  return text.trimEnd().split('\n').length;
}

/** A part of a package that is compiled for itself. */
const FURTHER_PROJECTS = ['packages/sim/src/report/client'];

function nameOf(node: Node): string {
  if (isVariableDeclaration(node) || isFunctionDeclaration(node) || isMethodDeclaration(node))
    return node.name?.getText() ?? 'default';
  return isVariableDeclaration(node.parent) ? nameOf(node.parent) : 'a function without a name';
}

/** Every function with a body; what stands inside it counts for it too. */
function functionsIn(source: SourceFile, file: string): readonly Measured[] {
  const found: Measured[] = [];
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  const visit = (node: Node): void => {
    if (isFunctionLikeDeclaration(node) && node.body !== undefined)
      found.push({
        name: `${file} ${nameOf(node)}`,
        lines: lineOf(node.end) - lineOf(node.getStart(source)) + 1,
      });
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

/** The names that a statement exports as declared there; what it only passes on is documented where it comes from. */
function exportedBy(statement: Statement): readonly string[] {
  if (isVariableStatement(statement))
    return statement.modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) === true
      ? statement.declarationList.declarations.map(nameOf)
      : [];
  const declares =
    isFunctionDeclaration(statement) ||
    isClassDeclaration(statement) ||
    isInterfaceDeclaration(statement) ||
    isTypeAliasDeclaration(statement);
  if (!declares || statement.name === undefined) return [];
  return statement.modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) === true
    ? [statement.name.text]
    : [];
}

/** Whether a doc comment stands right before the statement. */
function isDocumented(source: SourceFile, statement: Statement): boolean {
  return source.text.slice(statement.pos, statement.getStart(source)).trimEnd().endsWith('*/');
}

function undocumentedIn(source: SourceFile, file: string): readonly string[] {
  return source.statements
    .filter((statement) => !isDocumented(source, statement))
    .flatMap((statement) => exportedBy(statement).map((name) => `${file} ${name}`));
}

/** Reads the sources of all packages; takes about two seconds. */
export function measureSources(root: string): SourceShape {
  const files: Measured[] = [];
  const functions: Measured[] = [];
  const undocumented: string[] = [];
  const folders = [...packagesIn(root).map((name) => `packages/${name}`), ...FURTHER_PROJECTS];
  const api = new API({ cwd: root });
  try {
    const openProjects = folders.map((folder) => join(root, folder, 'tsconfig.json'));
    for (const { rootFiles, program } of api.updateSnapshot({ openProjects }).getProjects())
      for (const path of rootFiles) {
        const source = program.getSourceFile(path);
        if (source === undefined) throw new Error(`the compiler doesn't know ${path}`);
        const file = relative(root, path).split(sep).join('/');
        files.push({ name: file, lines: linesIn(source.text) });
        functions.push(...functionsIn(source, file));
        undocumented.push(...undocumentedIn(source, file));
      }
  } finally {
    api.close();
  }
  return { files, functions, undocumented };
}
