namespace Singa.Actors.Samples.MultiNode;

/// <summary>A command line that means nothing; the message says which part.</summary>
internal sealed class UsageException(string message) : Exception(message);
