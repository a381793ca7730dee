/**
 * `kafka-trial completion`: a shell's name enters, a script leaves that completes the commands, their options and the
 * options' values there; it is made of the commands themselves, so that it knows what they know.
 */
import { Argument, Command, type Option } from 'commander';
import { exitCodes } from '../errors.ts';
import type { Ended } from './exit-code.ts';

interface Word {
  readonly word: string;
  readonly description: string;
}

interface CompletedOption extends Word {
  /** Values to choose from; empty for any other value, null for an option without one. */
  readonly values: readonly string[] | null;
}

interface CompletedCommand extends Word {
  readonly options: readonly CompletedOption[];
  /** Values of its argument to choose from; empty where it is a file or another text. */
  readonly values: readonly string[];
}

const NAME = 'kafka-trial';

const optionOf = (option: Option): CompletedOption[] =>
  option.long === undefined || option.long === null
    ? []
    : [
        {
          word: option.long,
          description: option.description,
          values: option.required || option.optional ? (option.argChoices ?? []) : null,
        },
      ];

const commandOf = (command: Command): CompletedCommand => ({
  word: command.name(),
  description: command.description(),
  options: [
    ...command.options.flatMap(optionOf),
    { word: '--help', description: 'display help for command', values: null },
  ],
  values: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
});

/** In single quotes, for all three shells: none of them reads anything in there. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const words = (all: readonly Word[]): string => all.map(({ word }) => word).join(' ');

/** `case` branches for the values of options: command and option before, values behind. */
const valueCases = (
  commands: readonly CompletedCommand[],
  complete: (values: readonly string[]) => string,
): string[] =>
  commands.flatMap(({ word, options }) =>
    options.flatMap((option) =>
      option.values === null || option.values.length === 0
        ? []
        : [`    ${quoted(`${word} ${option.word}`)}) ${complete(option.values)}; return ;;`],
    ),
  );

const bash = (commands: readonly CompletedCommand[]): string =>
  [
    `# ${NAME} completion bash >> ~/.bashrc`,
    '_kafka_trial() {',
    // The default of readline breaks words at the colon of seed:index, which is no matter here.
    `  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words=`,
    '  case "$command $previous" in',
    ...valueCases(
      commands,
      (values) => `COMPREPLY=($(compgen -W ${quoted(values.join(' '))} -- "$current"))`,
    ),
    '  esac',
    '  if ((COMP_CWORD == 1)); then',
    `    words=${quoted(words(commands))}`,
    '  elif [[ $current == -* ]]; then',
    '    case "$command" in',
    ...commands.map(({ word, options }) => `      ${word}) words=${quoted(words(options))} ;;`),
    '    esac',
    '  else',
    '    case "$command" in',
    ...commands.flatMap(({ word, values }) =>
      values.length === 0 ? [] : [`      ${word}) words=${quoted(values.join(' '))} ;;`],
    ),
    '    esac',
    '  fi',
    '  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '  else COMPREPLY=($(compgen -f -- "$current")); fi',
    '}',
    `complete -o filenames -F _kafka_trial ${NAME}`,
  ].join('\n');

/** Descriptions stand behind a colon, which has to be escaped in what stands before it. */
const described = (all: readonly Word[]): string =>
  all.map(({ word, description }) => quoted(`${word.replaceAll(':', '\\:')}:${description}`)).join(' ');

const zsh = (commands: readonly CompletedCommand[]): string =>
  [
    `#compdef ${NAME}`,
    `# ${NAME} completion zsh > ~/.zfunc/_kafka-trial, with that folder in fpath`,
    '_kafka_trial() {',
    `  local command=\${words[2]} previous=\${words[CURRENT-1]}`,
    '  local -a found',
    '  case "$command $previous" in',
    ...valueCases(commands, (values) => `compadd -- ${values.map(quoted).join(' ')}`),
    '  esac',
    '  if ((CURRENT == 2)); then',
    `    found=(${described(commands)}); _describe command found`,
    '  elif [[ $PREFIX == -* ]]; then',
    '    case "$command" in',
    ...commands.map(
      ({ word, options }) => `      ${word}) found=(${described(options)}); _describe option found ;;`,
    ),
    '    esac',
    '  else',
    '    case "$command" in',
    ...commands.flatMap(({ word, values }) =>
      values.length === 0 ? [] : [`      ${word}) compadd -- ${values.map(quoted).join(' ')} ;;`],
    ),
    '      *) _files ;;',
    '    esac',
    '  fi',
    '}',
    `compdef _kafka_trial ${NAME}`,
  ].join('\n');

const fish = (commands: readonly CompletedCommand[]): string => {
  const begin = `complete --command ${NAME}`;
  return [
    `# ${NAME} completion fish > ~/.config/fish/completions/${NAME}.fish`,
    ...commands.flatMap(({ word, description, options, values }) => {
      const within = `${begin} --condition ${quoted(`__fish_seen_subcommand_from ${word}`)}`;
      return [
        `${begin} --no-files --condition __fish_use_subcommand --arguments ${word} --description ${quoted(description)}`,
        ...options.map((option) => {
          const takes =
            option.values === null
              ? ''
              : option.values.length === 0
                ? ' --require-parameter'
                : ` --exclusive --arguments ${quoted(option.values.join(' '))}`;
          return `${within} --long-option ${option.word.slice(2)}${takes} --description ${quoted(option.description)}`;
        }),
        ...(values.length === 0 ? [] : [`${within} --no-files --arguments ${quoted(values.join(' '))}`]),
      ];
    }),
  ].join('\n');
};

const shells = { bash, zsh, fish } as const;
type Shell = keyof typeof shells;

/** The script, with a line end. */
export const completionScript = (shell: Shell, program: Command): string =>
  `${shells[shell](program.commands.map(commandOf))}\n`;

export function completionCommand(ended: Ended): Command {
  return new Command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(shells)))
    .addHelpText(
      'after',
      `
Examples:
  kafka-trial completion bash >> ~/.bashrc
  kafka-trial completion zsh > ~/.zfunc/_kafka-trial
  kafka-trial completion fish > ~/.config/fish/completions/kafka-trial.fish`,
    )
    .action((shell: Shell, _options: unknown, command: Command) => {
      process.stdout.write(completionScript(shell, command.parent as Command));
      ended(exitCodes.valid);
    });
}
