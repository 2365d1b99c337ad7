/** The exit codes of all programs: those of sysexits(3), and the code that shells report after Ctrl-C. */
export const EXIT = {
  usage: 64,
  data: 65,
  unavailable: 69,
  software: 70,
  inputOutput: 74,
  configuration: 78,
  interrupted: 130,
} as const;
