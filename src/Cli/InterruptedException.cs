namespace Singa.Actors.Cli;

/// <summary>The user ended it; the message says what is left.</summary>
internal sealed class InterruptedException(string message) : OperationCanceledException(message);
