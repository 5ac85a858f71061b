using Akka.Configuration;
using Akka.Configuration.Hocon;
using Singa.Actors.Devices;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>HOCON to settings: the only place here that knows the parser, which forgives much that these do not.</summary>
internal static class JobSettings
{
    private const int DepthMax = 32;

    /// <summary>The defaults of a job, from <c>hocon/reference.conf</c>.</summary>
    public static Setting Defaults { get; } =
        Setting.Object("", null, [new("job", Tree("job", null, SingaConfig.Reference.GetValue("job")))]);

    /// <exception cref="JobRefusedException">One sentence with the file and, where known, the line.</exception>
    public static Setting Parse(string text, string origin)
    {
        if (HoconText.Fault(text) is { } fault)
            throw new JobRefusedException($"{origin}, {fault}; correct it");
        if (HoconText.References(text) is { Count: > 0 } references && Substitutions.Fault(text, references, Parsed) is { } wrong)
            throw new JobRefusedException($"{origin}, {wrong}; write the value itself");
        return Parsed(text);

        Setting Parsed(string whole) => Read(whole, origin, items => Setting.Object("", origin, items.Select(item => KeyValuePair.Create(item.Key, Tree(item.Key, origin, item.Value)))));
    }

    /// <summary>A value given on a command line: HOCON where it has its marks and parses, else the text as it stands.</summary>
    public static Setting Override(string path, string value)
    {
        string origin = $"--set {path}";
        bool marked = value.TrimStart() is ['{' or '[' or '"', ..];
        if (marked && HoconText.Fault(value) is null && HoconText.References(value).Count == 0)
        {
            try
            {
                if (Read($"value = {value}", origin, items => items is [var (key, parsed)] && key == "value" ? At(path, origin, full => Tree(full, origin, parsed)) : null) is { } set)
                    return set;
            }
            catch (JobRefusedException)
            {
                // Not HOCON after all: then it is a text, as the command line's help says.
            }
        }

        return At(path, origin, full => Setting.Value(full, origin, value.Trim()));
    }

    private static Setting At(string path, string origin, Func<string, Setting> leaf)
    {
        var keys = path.Split('.');
        var setting = leaf(path);
        for (int depth = keys.Length - 1; depth >= 0; depth--)
            setting = Setting.Object(string.Join('.', keys[..depth]), origin, [new(keys[depth], setting)]);
        return setting;
    }

    private static T Read<T>(string text, string origin, Func<KeyValuePair<string, HoconValue>[], T> take)
    {
        try
        {
            return take([.. ConfigurationFactory.ParseString(HoconText.Prepare(text)).AsEnumerable()]);
        }
        catch (Exception exception) when (exception is not JobRefusedException)
        {
            // The parser throws whatever it happens to meet, null references included, some of it when values are taken: all of it means that the text is no HOCON.
            string reason = exception is NullReferenceException ? "it is no HOCON" : exception.Message.Split('\n')[0].TrimEnd('.', '\r', ' ');
            throw new JobRefusedException($"{origin} cannot be read: {reason}; correct it", exception);
        }
    }

    /// <exception cref="JobRefusedException">It nests without end: the parser makes a reference to nothing contain itself.</exception>
    private static Setting Tree(string path, string? origin, HoconValue value)
    {
        if (path.Count(c => c == '.') > DepthMax)
            throw new JobRefusedException($"{path[..path.IndexOf('.')]} in {origin} nests more than {DepthMax} deep or refers to nothing with ${{?…}}; write the value itself");
        if (value.IsObject())
        {
            return Setting.Object(path, origin, value.GetObject().Items.Select(
                item => KeyValuePair.Create(item.Key, Tree($"{path}.{item.Key}", origin, item.Value))));
        }

        if (value.IsArray())
        {
            var elements = value.GetStringList();
            return elements.Contains(null) ? throw new JobRefusedException($"{path} in {origin} is a list that holds more than single values") : Setting.List(path, origin, elements);
        }

        return Setting.Value(path, origin, value.IsString() ? value.GetString() : null);
    }
}
