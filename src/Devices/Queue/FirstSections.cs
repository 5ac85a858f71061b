namespace Singa.Actors.Devices.Queue;

/// <summary>The first <c>Sections</c> sections of the submission <c>Tag</c>.</summary>
public readonly record struct FirstSections(long Tag, int Sections);
