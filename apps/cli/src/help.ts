import { Help, type HelpConfiguration, type Option } from 'commander';

const plain = new Help();

/** Help without the defaults that tell nothing: a flag that is not set, a list without entries. */
export const helpConfiguration: HelpConfiguration = {
  optionDescription: (option) =>
    plain.optionDescription(isTold(option.defaultValue) ? option : withoutDefault(option)),
};

function isTold(value: unknown): boolean {
  return value !== false && !(Array.isArray(value) && value.length === 0);
}

function withoutDefault(option: Option): Option {
  return Object.assign(Object.create(option) as Option, { defaultValue: undefined });
}
