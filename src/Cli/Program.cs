using Singa.Actors.Cli;

return await CommandLine.RunAsync(args, Console.Out, Console.Error);
