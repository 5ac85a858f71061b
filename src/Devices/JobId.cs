namespace Singa.Actors.Devices;

/// <summary>What a job is called wherever it is spoken of: on devices, in rounds, in logs.</summary>
public readonly record struct JobId(string Value)
{
    public override string ToString() => Value;
}
